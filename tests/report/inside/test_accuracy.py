import re
from typing import Any

import numpy as np
import pytest

from mnist_seq.report.inside.accuracy import draw_accuracy_by_row, draw_calibration
from tests.report.inside.networks import reading


def test_accuracy_after_each_row_is_that_counted_by_hand(drawn: list[Any]) -> None:
    # Right after row 1: images 2, 4; row 2: 1, 2, 4; row 3: 0, 1, 2; row 4: 0, 1, 2, 5, 7.
    expected = [2 / 8, 3 / 8, 3 / 8, 5 / 8]
    assert reading().accuracies.tolist() == expected
    draw_accuracy_by_row(reading(), "asked")
    (axes,) = drawn[0].axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 100 * np.array(expected))
    assert list(axes.lines[0].get_xdata()) == [1, 2, 3, 4]


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
