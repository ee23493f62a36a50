from typing import Any

import numpy as np
import pytest

from mnist_seq.report.inside.gate_means import QUANTITIES, draw_gate_means, mean_gates
from mnist_seq.report.inside.reading import Gates
from tests.report.inside.networks import ROWS, gates


def constant(value: float, images: int, name: str = "lstm_1") -> Gates:
    return Gates(name, *(np.full((images, ROWS, 2), value) for _ in QUANTITIES))


def test_batches_count_by_their_images() -> None:
    (means,) = mean_gates([[constant(0.1, 1)], [constant(0.5, 3)]])
    assert (means.name, means.images) == ("lstm_1", 4)
    for mean_S in means.by_row.values():
        np.testing.assert_allclose(mean_S, [(0.1 + 3 * 0.5) / 4] * ROWS)


def test_signs_do_not_cancel_and_rows_stay_apart() -> None:
    made = constant(0.0, 2)
    made.memory_MSU[0, 1], made.memory_MSU[1, 1] = (3, -3), (-1, -1)
    (means,) = mean_gates([[made]])
    assert means.by_row["memory, size"].tolist() == [0, 2, 0, 0]
    assert means.by_row["hidden state, size"].tolist() == [0] * ROWS


def test_each_direction_has_means_of_its_own() -> None:
    down, up = mean_gates([[constant(0.2, 2, "down"), constant(0.4, 2, "up")]])
    assert (down.name, up.name) == ("down", "up")
    assert down.by_row["input gate"] == pytest.approx([0.2] * ROWS)
    assert up.by_row["input gate"] == pytest.approx([0.4] * ROWS)


def test_both_networks_are_lines_on_the_same_axes(drawn: list[Any]) -> None:
    a, b = mean_gates([[gates(3)]]), mean_gates([[constant(0.3, 2)]])
    panel = draw_gate_means(a, b, ["A: left", "B: right"])
    assert panel.note.startswith("Over 3 images")
    for axes, quantity in zip(drawn[0].axes, QUANTITIES, strict=True):
        assert axes.get_title(loc="left") == quantity
        for line, (means,) in zip(axes.lines, (a, b), strict=True):
            np.testing.assert_allclose(line.get_ydata(), means.by_row[quantity])
            assert axes.get_ylim()[1] >= means.by_row[quantity].max()
    (legend,) = drawn[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["A: left", "B: right"]


def test_a_direction_upwards_is_told_in_the_note() -> None:
    two = mean_gates([[gates(1, "x, downwards"), gates(1, "x, upwards")]])
    assert "Dashed" in draw_gate_means(two, mean_gates([[gates(1)]]), ["A", "B"]).note
    assert "Dashed" not in draw_gate_means(two[:1], two[:1], ["A", "B"]).note
