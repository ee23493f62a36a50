"""How the lines of a page run: where they are level, the ink of all rows is packed most densely.

Lines are tilted where the page was, and converge where it was photographed from the side. Shapes:
H rows and W columns, P pixels of ink.

References
----------
Postl 1986, "Detection of linear oblique structures and skew scan in digitized documents", ICPR: of
the profiles across the page, that along the lines has the strongest ups and downs.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.page.marks import INK, find_marks

MOST_TILTED = 8.0  # degrees, either way
COARSE_TILT, FINE_TILT = 0.5, 0.05
MOST_CONVERGING = 0.15  # at the right edge, either way
COARSE_CONVERGENCE, FINE_CONVERGENCE = 0.025, 0.005
MOST_PIXELS, COARSELY = 40_000, 5  # of ink, and every so manieth of them at first
FEWEST_MARKS = 6  # fewer have no line, and a slanting 7 would be straightened
ROWS_OF_A_CHARACTER, LEAST_STEPS = 10, 300  # of the profile: in a character, in a page's width
WORTH = 1.05  # times as dense, for lines to be taken to converge

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Slope:
    """How lines run.

    Attributes
    ----------
    tilt : float
        Degrees, clockwise, of a line through the page's middle.
    convergence : float
        Share of their distance in the middle by which lines are farther from each other at the
        right edge, and nearer at the left one.
    """

    tilt: float = 0.0
    convergence: float = 0.0

    def matrix(self, width: int) -> Floats:
        """Makes lines level: a projection of columns and rows from the middle; shape (3, 3)."""
        sine, cosine = np.sin(np.radians(self.tilt)), np.cos(np.radians(self.tilt))
        turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
        away = np.array([[1, 0, 0], [0, 1, 0], [2 * self.convergence / width, 0, 1]])
        level: Floats = away @ turn
        return level


def slope_of(ink_HW: NDArray[np.uint8]) -> Slope:
    """How a page's lines run; level where too few marks tell."""
    marks = find_marks(ink_HW)
    if len(marks.boxes_N4) < FEWEST_MARKS:
        return Slope()
    rows_P, columns_P = np.nonzero(ink_HW > INK)
    every = -(-len(rows_P) // MOST_PIXELS)
    height, width = ink_HW.shape
    places_P2 = np.column_stack([columns_P[::every] - width / 2, rows_P[::every] - height / 2])
    # Characters that stand on a rule are one large mark with it.
    step = max(min(marks.height / ROWS_OF_A_CHARACTER, width / LEAST_STEPS), 1)

    def densest(places_P2: Floats, tilts: Floats, convergences: Floats) -> tuple[float, Slope]:
        slopes = [Slope(float(a), float(c)) for a, c in product(tilts, convergences)]
        found = [(_density(places_P2, each.matrix(width), step), each) for each in slopes]
        return max(found, key=lambda each: each[0])

    def search(most: float) -> tuple[float, Slope]:
        coarse = _steps(0, MOST_TILTED, COARSE_TILT), _steps(0, most, COARSE_CONVERGENCE)
        _, best = densest(places_P2[::COARSELY], *coarse)
        finer = min(most, COARSE_CONVERGENCE)
        return densest(
            places_P2,
            _steps(best.tilt, COARSE_TILT, FINE_TILT),
            _steps(best.convergence, finer, FINE_CONVERGENCE),
        )

    parallel, tilted = search(0)
    converging, seen_from_the_side = search(MOST_CONVERGING)
    return seen_from_the_side if converging > WORTH * parallel else tilted


def _density(places_P2: Floats, matrix: Floats, step: float) -> float:
    """Sum of squared profile counts after the matrix has moved the pixels."""
    level_P = places_P2 @ matrix[1, :2] / (1 + places_P2 @ matrix[2, :2]) / step
    counts = np.bincount((level_P - level_P.min()).astype(int))
    return float((counts.astype(float) ** 2).sum())


def _steps(middle: float, most: float, step: float) -> Floats:
    return middle + np.arange(-most, most + step / 2, step)
