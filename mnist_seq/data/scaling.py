"""Pixel scalings, fitted on training images only: unit, minmax and standard.

The numbers are found from whole-number sums, so they are exact up to their rounding to float32 and
the same on every machine. Shapes: N images, S steps, F features.
"""

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.dataset import Scaling


def unit(images_NSF: NDArray[np.uint8]) -> Scaling:
    """Scaling that divides by 255."""
    shape = images_NSF.shape[1:]
    return Scaling(np.zeros(shape, np.float32), np.full(shape, 255, np.float32))


def minmax(images_NSF: NDArray[np.uint8]) -> Scaling:
    """Scaling of each pixel's range to 0 to 1, as scikit-learn's MinMaxScaler does.

    A pixel that never changes is only shifted to 0.
    """
    low_SF = images_NSF.min(axis=0).astype(np.float32)
    range_SF = images_NSF.max(axis=0) - low_SF
    return Scaling(low_SF, np.where(range_SF == 0, np.float32(1), range_SF))


def standard(images_NSF: NDArray[np.uint8]) -> Scaling:
    """Scaling of each pixel to mean 0 and variance 1, as scikit-learn's StandardScaler does.

    A pixel that never changes is only shifted to 0. The variance is that of the images themselves,
    divided by N.
    """
    count = len(images_NSF)
    sums_SF = images_NSF.sum(axis=0, dtype=np.int64)
    squares_SF = np.einsum("nsf,nsf->sf", images_NSF, images_NSF, dtype=np.int64)
    # N * squares leaves int64 behind at 12 million images; Python's own integers have no end.
    spread_SF = count * squares_SF.astype(object) - sums_SF.astype(object) ** 2
    deviation_SF = np.sqrt(spread_SF.astype(np.float64)) / count
    deviation_SF[deviation_SF == 0] = 1
    return Scaling((sums_SF / count).astype(np.float32), deviation_SF.astype(np.float32))


SCALINGS = {"unit": unit, "minmax": minmax, "standard": standard}
