"""How pixels are brought near zero and one; the numbers are fitted on training images only.

The numbers are found from whole-number sums, so they are exact up to their rounding to float32 and
the same on every machine. Shapes: N images, S steps, F features.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.dataset import Scaling

IMAGES_AT_ONCE = 4096  # a square takes two bytes where a pixel takes one: not all at once


def unit(images_NSF: NDArray[np.uint8]) -> Scaling:
    """Divides by 255."""
    shape = images_NSF.shape[1:]
    return Scaling(np.zeros(shape, np.float32), np.full(shape, 255, np.float32))


def minmax(images_NSF: NDArray[np.uint8]) -> Scaling:
    """Brings each pixel's range to 0 to 1, as scikit-learn's MinMaxScaler does.

    A pixel that never changes is only shifted to 0.
    """
    low_SF = images_NSF.min(axis=0).astype(np.float32)
    range_SF = images_NSF.max(axis=0) - low_SF
    return Scaling(low_SF, np.where(range_SF == 0, np.float32(1), range_SF))


def standard(images_NSF: NDArray[np.uint8]) -> Scaling:
    """Brings each pixel to mean 0 and variance 1, as scikit-learn's StandardScaler does.

    A pixel that never changes is only shifted to 0. The variance is that of the images themselves,
    divided by N.
    """
    count = len(images_NSF)
    sums_SF = images_NSF.sum(axis=0, dtype=np.int64)
    squares_SF = np.zeros_like(sums_SF)
    for start in range(0, count, IMAGES_AT_ONCE):
        pixels_NSF = images_NSF[start : start + IMAGES_AT_ONCE].astype(np.uint16)
        squares_SF += np.square(pixels_NSF).sum(axis=0, dtype=np.int64)
    # N * squares leaves int64 behind at 12 million images; Python's own integers have no end.
    spread_SF = count * squares_SF.astype(object) - sums_SF.astype(object) ** 2
    deviation_SF = np.sqrt(spread_SF.astype(np.float64)) / count
    deviation_SF[deviation_SF == 0] = 1
    return Scaling((sums_SF / count).astype(np.float32), deviation_SF.astype(np.float32))


SCALINGS: dict[str, Callable[[NDArray[np.uint8]], Scaling]] = {
    "unit": unit,
    "minmax": minmax,
    "standard": standard,
}
