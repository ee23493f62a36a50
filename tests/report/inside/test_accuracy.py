import re
from typing import Any

import numpy as np
import pytest

from mnist_seq.report.inside.accuracy import (
    accuracies_csv,
    draw_accuracy_by_row,
    draw_both_accuracies,
    draw_calibration,
)
from mnist_seq.report.inside.pair import Pair
from tests.report.inside.networks import other_reading, reading


def test_accuracy_after_each_row_is_that_counted_by_hand(drawn: list[Any]) -> None:
    # Right after row 1: images 2, 4; row 2: 1, 2, 4; row 3: 0, 1, 2; row 4: 0, 1, 2, 5, 7.
    expected = [2 / 8, 3 / 8, 3 / 8, 5 / 8]
    assert reading().accuracies.tolist() == expected
    draw_accuracy_by_row(reading(), "asked")
    (axes,) = drawn[0].axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 100 * np.array(expected))
    assert list(axes.lines[0].get_xdata()) == [1, 2, 3, 4]


def test_both_networks_are_lines_on_one_axis_with_their_names(drawn: list[Any]) -> None:
    # B is right after row 1 about 0, 1, 2, 3, 5, 7; row 2: the same; rows 3 and 4: 0, 2, 3, 5.
    expected = [6 / 8, 6 / 8, 4 / 8, 4 / 8]
    panel = draw_both_accuracies(
        Pair(reading(), other_reading()), ["A: left", "B: right"], ["asked", "told"]
    )
    (axes,) = drawn[0].axes
    for line, values in zip(axes.lines[:2], (reading().accuracies, expected), strict=True):
        np.testing.assert_allclose(line.get_ydata(), 100 * np.array(values))
        assert list(line.get_xdata()) == [1, 2, 3, 4]
    colors = {text.get_text(): text.get_color() for text in axes.texts}
    lines = zip(("A: left", "B: right"), axes.lines, strict=False)
    assert colors == {name: line.get_color() for name, line in lines}
    marked = [tuple(mark.get_offsets()[0]) for mark in axes.collections]
    assert marked == [(4, 62.5), (1, 75)], "nine tenths of 5/8 and of 4/8"
    assert "by A after row 4, by B after row 1." in panel.note
    assert "A: asked; B: told." in panel.note


def test_the_upper_line_has_its_name_on_the_left(drawn: list[Any]) -> None:
    for pair in (Pair(reading(), other_reading()), Pair(other_reading(), reading())):
        draw_both_accuracies(pair, ["A", "B"], ["asked", "asked"])
        axes = drawn[-1].axes[0]
        sides = {text.get_text(): text.get_horizontalalignment() for text in axes.texts}
        heights = {text.get_text(): text.xy[1] for text in axes.texts}
        assert sides[max(heights, key=heights.__getitem__)] == "right"
        assert sides[min(heights, key=heights.__getitem__)] == "left"


def test_accuracies_of_two_networks_are_columns_beside_each_other() -> None:
    text = accuracies_csv({"a": reading(), "b": other_reading()})
    assert text.splitlines() == [
        "row,a,b", "1,0.25,0.75", "2,0.375,0.75", "3,0.375,0.5", "4,0.625,0.5",
    ]  # fmt: skip


def test_calibration_shows_the_bins_and_their_mean_gap(drawn: list[Any]) -> None:
    # Confidences 0.5, 0.6, 0.7 (wrong, right, wrong), 0.8 right, 0.9 three times right, 0.95 wrong;
    # the last four are in one bin of fifteen: (14/15, 1] holds 0.95 alone, (13/15, 14/15] the 0.9.
    panel = draw_calibration(reading())
    gap = (0.5 + 0.4 + 0.7 + 0.2 + 3 * 0.1 + 0.95) / 8
    assert float(re.findall(r"error (\S+) points", panel.note)[0]) == pytest.approx(
        100 * gap, abs=0.006
    )
    points = drawn[0].axes[0].collections[-1].get_offsets()
    np.testing.assert_allclose(points[:, 0], [50, 60, 70, 80, 90, 95], atol=1e-4)
    np.testing.assert_allclose(points[:, 1], [0, 100, 0, 100, 100, 0])
