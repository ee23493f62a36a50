"""By how much the lines of a page are tilted: where the ink of all rows is packed most densely.

Shapes: H rows and W columns, P pixels of ink.

References
----------
Postl 1986, "Detection of linear oblique structures and skew scan in digitized documents", ICPR: of
the profiles across the page, that along the lines has the strongest ups and downs.
"""

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.page.marks import INK, find_marks

MOST_TILTED = 8.0  # degrees, either way
COARSE, FINE = 0.5, 0.05
MOST_PIXELS = 40_000
FEWEST_MARKS = 6  # fewer have no line, and a slanting 7 would be straightened
ROWS_OF_A_CHARACTER = 10  # the profile's steps


def tilt_of(ink_HW: NDArray[np.uint8]) -> float:
    """Degrees, clockwise, by which a page's lines are tilted; 0 where too few marks tell."""
    marks = find_marks(ink_HW)
    if len(marks.boxes_N4) < FEWEST_MARKS:
        return 0.0
    rows_P, columns_P = np.nonzero(ink_HW > INK)
    every = -(-len(rows_P) // MOST_PIXELS)
    rows_P, columns_P = rows_P[::every], columns_P[::every]
    step = max(marks.height / ROWS_OF_A_CHARACTER, 1)

    def density(degrees: float) -> float:
        level_P = (rows_P - columns_P * np.tan(np.radians(degrees))) / step
        counts = np.bincount((level_P - level_P.min()).astype(int))
        return float((counts.astype(float) ** 2).sum())

    angles = np.arange(-MOST_TILTED, MOST_TILTED + COARSE, COARSE)
    best = max(angles, key=density)
    around = np.arange(best - COARSE, best + COARSE + FINE, FINE)
    return float(max(around, key=density))
