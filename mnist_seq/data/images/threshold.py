"""Ink told from paper by Otsu's threshold, once uneven light is evened out.

Shapes: H rows, W columns.
"""

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray
from PIL import Image

FITTED_SIDE = 64  # the light changes slowly: it is fitted to an image of this size
# Evened out only where more of the grey values' variance is between ink and paper by so much.
WORTH = 0.05
_GREYS = np.arange(256)


def otsu_threshold(counts: NDArray[np.int64]) -> tuple[int, float]:
    """Grey value, the highest of the darker class, that parts two classes of pixels best.

    Parameters
    ----------
    counts : int, shape (256,)
        How many pixels have each grey value.

    Returns
    -------
    tuple of (int, float)
        The threshold, and which share of the variance is between the classes, from 0 to 1.

    References
    ----------
    Otsu 1979, "A threshold selection method from gray-level histograms": the variance between the
    classes is largest; its share of the whole is his criterion eta.
    """
    below, sums = np.cumsum(counts, dtype=np.float64), np.cumsum(counts * _GREYS, dtype=np.float64)
    total, whole = below[-1], sums[-1]
    of_both = below * (total - below)
    between = (sums * total - whole * below) ** 2 / np.where(of_both > 0, of_both, np.inf)
    threshold = int(between.argmax())
    variance = total * float(counts @ _GREYS**2) - whole**2
    return threshold, float(between[threshold] / variance) if variance else 0.0


def histogram(grey_HW: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels have each grey value; int, shape (256,)."""
    return np.bincount(grey_HW.ravel(), minlength=256)


def has_dark_ink(grey_HW: NDArray[np.uint8]) -> bool:
    """Whether the ink is dark: most of the border, which is paper, is in the lighter class."""
    is_light_HW = grey_HW > otsu_threshold(histogram(grey_HW))[0]
    border = np.concatenate(
        [is_light_HW[0], is_light_HW[-1], is_light_HW[1:-1, 0], is_light_HW[1:-1, -1]]
    )
    light = 2 * int(border.sum())
    if light == border.size:  # the whole image decides
        return 2 * int(is_light_HW.sum()) >= is_light_HW.size
    return light > border.size


def even_light(grey_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Take away a slow change of the paper's grey from side to side, as a photo has it.

    A surface of first, then of second degree in each direction is fitted to what the threshold
    takes for paper. An image that is not better parted by a threshold afterwards, and a small one,
    which is no photo, is returned as it is.
    """
    if max(grey_HW.shape) <= FITTED_SIDE:
        return grey_HW
    _, before = otsu_threshold(histogram(grey_HW))
    factor = -(-max(grey_HW.shape) // FITTED_SIDE)
    small_HW = np.asarray(Image.fromarray(grey_HW).reduce(factor))
    rows_HW, columns_HW = np.meshgrid(*map(_places, small_HW.shape), indexing="ij")
    surface_HW = np.zeros(small_HW.shape)
    for degree in (1, 2):
        level_HW = _leveled(small_HW, surface_HW)
        is_light_HW = level_HW > otsu_threshold(histogram(level_HW))[0]
        is_paper_HW = is_light_HW == has_dark_ink(level_HW)
        terms_HWT = polynomial.polyvander2d(rows_HW, columns_HW, [degree, degree])
        fitted_T, *_ = np.linalg.lstsq(terms_HWT[is_paper_HW], small_HW[is_paper_HW], rcond=None)
        surface_HW = terms_HWT @ fitted_T
    rows_H, columns_W = map(_places, grey_HW.shape)
    even_HW = _leveled(grey_HW, polynomial.polygrid2d(rows_H, columns_W, fitted_T.reshape(3, 3)))
    _, after = otsu_threshold(histogram(even_HW))
    return even_HW if after > before + WORTH else grey_HW


def _leveled(grey_HW: NDArray[np.uint8], surface_HW: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Grey values as if the paper, as fitted by the surface, had its mean grey everywhere."""
    level_HW: NDArray[np.float64] = grey_HW - surface_HW + surface_HW.mean()
    return np.rint(np.clip(level_HW, 0, 255)).astype(np.uint8)


def _places(length: int) -> NDArray[np.float64]:
    """Places of so many rows or columns, from -1 to 1."""
    return np.linspace(-1, 1, length)
