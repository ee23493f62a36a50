"""Elastic changes are those that SciPy makes of the same fields, smooth and as large as asked."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_seq.network.elastic import FIELDS, elastic

STEPS, FEATURES = 28, 20


def ramp(to_right: bool) -> NDArray[np.uint8]:
    """An image whose pixel tells its place: 8 grey values a pixel, downwards or to the right."""
    row, column = np.mgrid[:STEPS, :FEATURES]
    return np.asarray(8 * (column if to_right else row), np.uint8)


def fields(displacement: float) -> NDArray[np.float64]:
    """Where each pixel came from, less where it is: pixels, shape (fields, 2, steps, features).

    Read off ramps; near edges what comes from beyond them cannot be seen.
    """
    found = []
    for to_right in (False, True):
        images = np.stack([ramp(to_right)] * FIELDS)
        moved = elastic(images, displacement, np.random.default_rng(0))
        found.append((moved.astype(float) - images) / 8)
    return np.stack(found, axis=1)


def test_a_field_reads_an_image_as_scipy_does() -> None:
    random = np.random.default_rng(1)
    image = ndimage.gaussian_filter(random.uniform(0, 255, (STEPS, FEATURES)), 1).astype(np.uint8)
    moved = elastic(np.stack([image] * FIELDS), 1.0, np.random.default_rng(0))
    inside = np.s_[5:-5, 5:-5]
    for field, result in zip(fields(1.0), moved, strict=True):
        places = np.indices(image.shape) + field
        expected = ndimage.map_coordinates(image.astype(float), places, order=1, mode="nearest")
        # Read off whole grey values, a place is known to a sixteenth of a pixel.
        np.testing.assert_allclose(result[inside], expected[inside], atol=8)


def test_displacements_have_the_size_asked_for_and_neighbours_move_alike() -> None:
    inside = fields(1.5)[:, :, 6:-6, 6:-6]
    assert abs(inside.std() - 1.5) < 0.1
    # The correlation of a Gaussian of 4 pixels with itself: exp(-d^2 / 64) at a distance of d.
    for apart, expected in ((1, np.exp(-1 / 64)), (7, np.exp(-49 / 64))):
        one, other = inside[..., :-apart], inside[..., apart:]
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1] - expected) < 0.1


def test_the_same_generator_gives_the_same_images_and_the_originals_stay() -> None:
    images = np.random.default_rng(1).integers(0, 256, (300, STEPS, FEATURES), np.uint8)
    before = images.copy()
    one, two, other = (elastic(images, 1.0, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert np.array_equal(images, before)
