"""Changed images are those that SciPy makes of the same changes, and stay inside their bounds."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from mnist_seq.config.settings import Augmentation
from mnist_seq.network.augmentation import augmented


class Draws:
    """A generator whose every draw is known: turn, width, height, slants, right, down."""

    def __init__(self, *draws: float) -> None:
        self.draws = draws

    def uniform(self, _low: float, _high: float, shape: tuple[int, int]) -> NDArray[np.float64]:
        return np.broadcast_to(np.array(self.draws), shape)


def blob() -> NDArray[np.uint8]:
    """Two smooth spots of ink, one image of 28 by 28, unlike any of its mirror images."""
    row, column = np.mgrid[:28, :28]
    ink = np.exp(-((row - 9) ** 2 + (column - 12) ** 2) / 5)
    ink += 0.6 * np.exp(-((row - 17) ** 2 + (column - 18) ** 2) / 4)
    image: NDArray[np.uint8] = np.round(255 * np.minimum(ink, 1)).astype(np.uint8)
    return image


def changed(config: Augmentation, *draws: float) -> NDArray[np.float64]:
    known: Any = Draws(*draws)
    image: NDArray[np.uint8] = augmented(blob()[None], config, known)[0]
    return image.astype(np.float64)


def test_nothing_switched_on_changes_nothing() -> None:
    assert (augmented(blob()[None], Augmentation(), np.random.default_rng(0))[0] == blob()).all()


@pytest.mark.parametrize(("right", "down", "shift"), [(1, 0, 2), (0, -1, 3), (0.5, 1, 2)])
def test_a_shift_goes_right_and_down(right: float, down: float, shift: int) -> None:
    moved = changed(Augmentation(shift=shift), 0, 0, 0, 0, 0, right, down)
    expected = np.roll(blob(), (round(down * shift), round(right * shift)), axis=(0, 1))
    assert (moved == expected).all()  # no ink is near an edge


def test_a_turn_is_that_of_scipy() -> None:
    turned = changed(Augmentation(rotation=20), 1, 0, 0, 0, 0, 0, 0)
    expected = ndimage.rotate(np.float64(blob()), -20, reshape=False, order=1)
    np.testing.assert_allclose(turned, expected, atol=1.01)  # whole grey values


def test_a_scale_grows_about_the_middle() -> None:
    grown = changed(Augmentation(scale=0.25), 0, 1, 1, 0, 0, 0, 0)
    middle = np.full(2, 13.5)
    expected = ndimage.affine_transform(
        np.float64(blob()), np.eye(2) / 1.25, middle - middle / 1.25, order=1
    )
    np.testing.assert_allclose(grown, expected, atol=1.01)


def test_a_slant_moves_a_row_by_its_height_above_the_middle() -> None:
    slanted = changed(Augmentation(shear=45), 0, 0, 0, 1, 0, 0, 0)
    for row in (8, 9, 16):  # row 13.5 stays; a row d below it moves by d, here to the left
        by = 13.5 - row
        whole, half = np.floor(by).astype(int), 0.5
        expected = (1 - half) * np.roll(blob()[row], whole) + half * np.roll(blob()[row], whole + 1)
        np.testing.assert_allclose(slanted[row], expected, atol=1.01)


def test_an_elastic_change_more_leaves_the_others_as_they_were() -> None:
    images = np.stack([blob()] * 50)
    turned = augmented(images, Augmentation(rotation=10), np.random.default_rng(1))
    hardly, clearly = (Augmentation(rotation=10, elastic=size) for size in (1e-6, 2))
    assert (augmented(images, hardly, np.random.default_rng(1)) == turned).all()
    assert not (augmented(images, clearly, np.random.default_rng(1)) == turned).all()


def test_each_image_is_changed_in_its_own_way_and_the_original_stays() -> None:
    images = np.stack([blob()] * 50)
    before = images.copy()
    config = Augmentation(shift=2, rotation=10, scale=0.1, shear=10)
    several = augmented(images, config, np.random.default_rng(1))
    assert (images == before).all()
    assert len(np.unique(several.reshape(50, -1), axis=0)) == 50
    again = augmented(images, config, np.random.default_rng(1))
    assert several.tobytes() == again.tobytes()


def test_what_is_uncovered_has_the_colour_of_the_nearest_edge() -> None:
    paper = np.full((1, 28, 28), 200, np.uint8)
    config = Augmentation(shift=5, rotation=30, scale=0.3, shear=20)
    changed = augmented(paper, config, np.random.default_rng(2))
    assert changed.min() >= 199  # rounded down
