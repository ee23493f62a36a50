"""MNIST's form against drawings measured by hand, and against MNIST itself."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_seq.data.images.form import Ink, mnist_form
from mnist_seq.data.images.picture import BadImageError, Picture
from mnist_seq.data.images.threshold import otsu_threshold
from mnist_seq.data.mnist import read_mnist
from tests.data.images.conftest import INK, PAPER, letter


def formed(grey_HW: NDArray[np.uint8], size: int = 28, ink: Ink = "auto") -> NDArray[np.uint8]:
    return mnist_form(Picture(grey_HW), size, ink)[0]


def test_a_letter_of_a_known_box_and_centre_of_mass() -> None:
    """An L of 20 by 12 pixels: nothing is scaled, and each pixel can be told by hand.

    Its bar has 4 by 20 pixels with their middle at row 9.5, column 1.5, the rest of its foot 8 by 4
    at row 17.5, column 7.5: of 112 pixels the middle is at row (80*9.5 + 32*17.5) / 112 = 11.79
    and column (80*1.5 + 32*7.5) / 112 = 3.21, so that it begins at row 14 - 11.79, column
    14 - 3.21.
    """
    expected_SF = np.zeros((28, 28), np.uint8)
    expected_SF[2:22, 11:15] = 255
    expected_SF[18:22, 11:23] = 255
    np.testing.assert_array_equal(formed(letter()), expected_SF, strict=True)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_the_same_letter_in_a_larger_picture_is_the_same(factor: int) -> None:
    large_HW = np.kron(letter(), np.ones((factor, factor), np.uint8))
    difference_SF = formed(large_HW).astype(int) - formed(letter())
    assert np.abs(difference_SF).mean() < 4, "soft edges alone"


@pytest.mark.parametrize(("size", "box"), [(28, 20), (14, 10), (56, 40), (8, 6)])
def test_the_longer_side_has_20_of_28_pixels(size: int, box: int) -> None:
    ink_SF = formed(letter(), size) > 0
    rows, columns = np.flatnonzero(ink_SF.any(axis=1)), np.flatnonzero(ink_SF.any(axis=0))
    assert rows[-1] - rows[0] + 1 == box
    assert columns[-1] - columns[0] + 1 == round(box * 12 / 20)


def test_mnist_itself_is_in_the_form_already() -> None:
    """Its images were made by the recipe's authors: they hardly change."""
    images_NSF = read_mnist().test.images_NSF[:200]
    changes_N = [np.abs(formed(image).astype(int) - image).mean() for image in images_NSF]
    # The next pixel along a stroke is off by 30: an image moved by one pixel changes by that much.
    moved_N = [np.abs(np.roll(image, 1, 1).astype(int) - image).mean() for image in images_NSF]
    assert np.median(changes_N) < 1
    assert np.quantile(changes_N, 0.9) < 5 < np.median(moved_N)


# --- ink


def test_a_picture_and_its_negative_give_the_same() -> None:
    grey_HW = letter()
    grey_HW[20:24, 30:40] = 140  # and something between ink and paper
    dark, is_dark = mnist_form(Picture(grey_HW), 28, "auto")
    light, is_dark_too = mnist_form(Picture(255 - grey_HW), 28, "auto")
    np.testing.assert_array_equal(dark, light, strict=True)
    assert (is_dark, is_dark_too) == (True, False)


def test_ink_that_is_named_is_not_looked_for() -> None:
    filled_HW = np.full((30, 30), INK, np.uint8)  # a dark frame around a light square
    filled_HW[10:20, 10:20] = PAPER
    assert formed(filled_HW)[14, 14] == 255, "the square is the letter"
    assert formed(filled_HW, ink="dark")[14, 14] == 0, "the frame is"


@pytest.mark.parametrize(
    ("grey_HW", "problem"),
    [
        (np.full((20, 20), 200, np.uint8), "is blank"),
        (np.pad(np.full((1, 2), INK, np.uint8), 9, constant_values=PAPER), "is blank"),
        (np.random.default_rng(0).integers(200, 210, (30, 30)).astype(np.uint8), "differ by"),
    ],
    ids=["one grey", "two pixels", "grain of paper"],
)
def test_a_blank_picture_is_refused(grey_HW: NDArray[np.uint8], problem: str) -> None:
    with pytest.raises(BadImageError, match=problem):
        formed(grey_HW)


def test_two_specks_far_apart_are_two_dots() -> None:
    """Averaged over the box that they span, they would be less than one grey value."""
    grey_HW = np.full((1000, 1000), PAPER, np.uint8)
    grey_HW[100, 100:102] = grey_HW[900, 900:902] = INK
    image_SF = formed(grey_HW)
    assert image_SF.max() == 255
    assert (image_SF > 100).sum() <= 4


def test_a_thin_stroke_is_not_faint() -> None:
    grey_HW = np.full((600, 600), PAPER, np.uint8)
    grey_HW[100:500, 300] = INK
    grey_HW[100, 200:400] = INK
    assert formed(grey_HW).max() == 255


def test_grain_and_shade_of_the_paper_are_no_ink() -> None:
    shade_HW = np.linspace(-25, 25, 60)[None] + np.random.default_rng(0).normal(0, 4, (40, 60))
    shaded_HW = np.clip(letter() + shade_HW, 0, 255).astype(np.uint8)
    assert np.abs(formed(shaded_HW).astype(int) - formed(letter())).mean() < 6


@pytest.mark.parametrize("turns", range(4))
def test_light_from_one_side_leaves_the_letter_as_it_is(turns: int) -> None:
    large_HW = np.pad(letter(), 40, constant_values=PAPER).repeat(4, axis=0).repeat(4, axis=1)
    light_HW = np.rot90(np.linspace(1, 0.4, 720)[:, None] * np.ones(720), turns)
    light_HW = light_HW[: large_HW.shape[0], : large_HW.shape[1]]
    lit_HW: NDArray[np.uint8] = np.rint(large_HW * light_HW).astype(np.uint8)
    threshold, _ = otsu_threshold(np.bincount(lit_HW.ravel(), minlength=256))
    assert np.mean(large_HW == INK) < 0.01 < 0.25 < np.mean(lit_HW <= threshold), "taken for ink"
    expected_SF = formed(large_HW).astype(int)
    assert np.abs(formed(lit_HW) - expected_SF).mean() < 6
    assert np.abs(formed(np.invert(lit_HW)) - expected_SF).mean() < 6


# --- its threshold


@pytest.mark.parametrize("seed", range(5))
def test_otsus_threshold_makes_both_classes_as_even_as_can_be(seed: int) -> None:
    """By the other form of its definition: the least variance within the classes."""
    random = np.random.default_rng(seed)
    values = np.concatenate([random.normal(80, 30, 300), random.normal(170, 20, 90)])
    grey = np.clip(values, 0, 255).astype(np.uint8)

    def within(threshold: int) -> float:
        classes = grey[grey <= threshold], grey[grey > threshold]
        return sum(len(each) * float(np.var(each)) for each in classes if len(each))

    best = min(range(256), key=within)
    found, _ = otsu_threshold(np.bincount(grey, minlength=256))
    assert within(found) == pytest.approx(within(best))
