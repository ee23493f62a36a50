"""Connected marks of ink on a page, without the specks, frames and rules that are no characters.

Shapes: H rows and W columns, N marks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_seq.data.images.picture import BadImageError

INK = 100  # of 255: what is less is an edge
SPECK = 0.12  # of a character's height
FRAME_FILL, FRAME_SPAN = 0.1, 0.5
RULE_ASPECT, RULE_SPAN = 15, 0.25
MOST_MARKS = 6_000
SMALLEST = 8  # pixels: a character's height
LEFT, TOP, RIGHT, BOTTOM = range(4)


@dataclass(frozen=True)
class Marks:
    """Connected parts of the ink.

    Attributes
    ----------
    numbers_HW : int32, shape (H, W)
        Which mark each pixel belongs to; 0 is paper, and what is left out has other numbers.
    known_N : int, shape (N,)
        The numbers of these marks.
    boxes_N4 : int, shape (N, 4)
        Left, top, right and bottom of each; right and bottom are the first beyond it.
    height : float
        Of a typical character, in pixels.
    """

    numbers_HW: NDArray[np.int32]
    known_N: NDArray[np.int64]
    boxes_N4: NDArray[np.int64]
    height: float


def find_marks(ink_HW: NDArray[np.uint8]) -> Marks:
    """Find the marks of a page; 255 is full ink.

    Raises
    ------
    BadImageError
        If there are far more than a page of text has, or they are too small to be read.
    """
    numbers_HW, count = ndimage.label(ink_HW > INK, np.ones((3, 3)), output=np.int32)
    if count > 10 * MOST_MARKS:
        raise BadImageError(f"has {count:,} separate marks of ink; this is no page of text")
    boxes_N4 = np.array(
        [
            (columns.start, rows.start, columns.stop, rows.stop)
            for rows, columns in ndimage.find_objects(numbers_HW)
        ],
        np.int64,
    ).reshape(-1, 4)
    pixels_N = np.bincount(numbers_HW.ravel(), minlength=count + 1)[1:]
    widths_N, heights_N = (boxes_N4[:, 2:] - boxes_N4[:, :2]).T
    page_height, page_width = ink_HW.shape
    spans_N = np.minimum(widths_N / page_width, heights_N / page_height)
    is_frame_N = (spans_N > FRAME_SPAN) & (pixels_N < FRAME_FILL * widths_N * heights_N)
    longer_N, shorter_N = np.maximum(widths_N, heights_N), np.minimum(widths_N, heights_N)
    is_long_N = np.maximum(widths_N / page_width, heights_N / page_height) > RULE_SPAN
    is_rule_N = is_long_N & (longer_N > RULE_ASPECT * shorter_N)
    is_kept_N = ~is_frame_N & ~is_rule_N
    height = _weighted_median(heights_N[is_kept_N], pixels_N[is_kept_N])
    if 0 < height < SMALLEST:
        raise BadImageError(
            f"has marks {height:.0f} pixels high; characters must have {SMALLEST} at least"
        )
    is_kept_N &= longer_N >= SPECK * height
    if is_kept_N.sum() > MOST_MARKS:
        raise BadImageError(
            f"has {is_kept_N.sum():,} separate marks of ink; this is no page of text"
        )
    return Marks(numbers_HW, np.flatnonzero(is_kept_N) + 1, boxes_N4[is_kept_N], height)


def _weighted_median(values_N: NDArray[np.int64], weights_N: NDArray[np.int64]) -> float:
    """Weighted median, to which specks add little; 0 if there are no values."""
    if not len(values_N):
        return 0.0
    order = np.argsort(values_N)
    below = np.cumsum(weights_N[order])
    return float(values_N[order][np.searchsorted(below, below[-1] / 2)])
