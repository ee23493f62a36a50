from fractions import Fraction

import numpy as np
import pytest

from mnist_seq.data.pixel_format import BYTES, PixelFormat

RANGES = [1, 15, 16, 100, 255]


@pytest.mark.parametrize("pixel_max", RANGES)
def test_whole_numbers_become_the_nearest_of_0_to_255_and_come_back(pixel_max: int) -> None:
    numbers_NSF = np.arange(pixel_max + 1, dtype=np.uint8).reshape(-1, 1, 1)
    written = PixelFormat(pixel_max)
    images_NSF = written.images(numbers_NSF)
    # Python rounds a fraction exactly, and a half to the even number.
    exact = [round(Fraction(255 * number, pixel_max)) for number in range(pixel_max + 1)]
    assert images_NSF.dtype == np.uint8
    assert images_NSF.ravel().tolist() == exact
    np.testing.assert_array_equal(written.pixels(images_NSF), numbers_NSF)


@pytest.mark.parametrize("pixel_max", [*RANGES, 0.001, 0.7])
def test_every_grey_value_survives_being_written_with_fractions(pixel_max: float) -> None:
    every_NSF = np.arange(256, dtype=np.uint8).reshape(-1, 1, 1)
    written = PixelFormat(pixel_max, has_fractions=True)
    pixels_NSF = written.pixels(every_NSF)
    assert pixels_NSF.dtype == np.float32
    assert pixels_NSF.max() == pytest.approx(pixel_max, rel=1e-6)
    np.testing.assert_array_equal(written.images(pixels_NSF), every_NSF, strict=True)


def test_columns_become_rows() -> None:
    columns_first = np.array([[[1, 3, 5], [2, 4, 6]]], np.uint8)
    written = PixelFormat(is_transposed=True)
    images_NSF = written.images(columns_first)
    assert images_NSF.tolist() == [[[1, 2], [3, 4], [5, 6]]]
    np.testing.assert_array_equal(written.pixels(images_NSF), columns_first)


def test_bytes_are_not_copied() -> None:
    images_NSF = np.zeros((2, 3, 3), np.uint8)
    assert BYTES.images(images_NSF) is images_NSF
    assert BYTES.pixels(images_NSF) is images_NSF
