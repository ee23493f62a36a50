from math import pi

import numpy as np
import pytest

from mnist_seq.data.images.form import mnist_form, placed
from mnist_seq.data.images.strokes import PEN_WIDTH, Stroke, drawn


def test_a_stroke_covers_its_way_and_a_half_circle_at_each_end() -> None:
    for stroke, length in ([(0.5, 0.5)], 0), ([(0.2, 0.3), (0.8, 0.3)], 0.6):
        ink_HW = drawn([stroke]).grey_HW == 0
        area = PEN_WIDTH * length + pi * PEN_WIDTH**2 / 4
        assert ink_HW.mean() == pytest.approx(area, rel=0.1)
        rows, columns = (np.flatnonzero(ink_HW.any(axis=axis)) / len(ink_HW) for axis in (1, 0))
        middle_x, middle_y = np.mean(stroke, axis=0)
        assert (columns.mean(), rows.mean()) == pytest.approx((middle_x, middle_y), abs=0.005)


@pytest.mark.parametrize(
    "strokes",
    [
        [[(0.5, 0.5)]],
        [[(0.0, 0.0), (1.0, 1.0)]],
        [[(0.3, 0.2), (0.7, 0.2), (0.4, 0.9)], [(0.35, 0.55), (0.65, 0.55)]],
    ],
)
def test_what_is_drawn_is_brought_into_the_form_as_a_picture_of_it_would_be(
    strokes: list[Stroke],
) -> None:
    picture = drawn(strokes)
    of_file_SF, _ = mnist_form(picture, 28, "dark")
    np.testing.assert_array_equal(placed(255 - picture.grey_HW, 28), of_file_SF)
