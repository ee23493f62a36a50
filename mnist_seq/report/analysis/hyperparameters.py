"""The searched hyperparameters, with each trial's value as a position on a numeric axis.

Analysis and figures work in these positions, so a logarithm and a list of choices are plain
numbers to both.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnist_seq.config.search import Choices, Dimension, Range
from mnist_seq.config.settings import Scalar
from mnist_seq.config.validation import is_integer
from mnist_seq.report.analysis.tables import StudyTables


@dataclass(frozen=True)
class Hyperparameter:
    """A searched config path and the position of each scored trial on its axis.

    Attributes
    ----------
    positions : float, one for each row of ``tables.scored``
        The value, its logarithm, or the index of the choice; NaN where the path is not active.
    categories : tuple
        What there is to choose from, numbers in their order; empty for a range.
    low, high : float
        The ends of the searched range, as positions.
    """

    path: str
    dimension: Range | Choices
    positions: NDArray[np.float64]
    categories: tuple[Scalar, ...]
    low: float
    high: float

    @property
    def active(self) -> NDArray[np.bool_]:
        return np.isfinite(self.positions)

    @property
    def ordered(self) -> bool:
        """Whether the values have a natural order: True for numbers, False for names."""
        return not self.categories or _are_numbers(self.categories)

    @property
    def distinct(self) -> int:
        return len(np.unique(self.positions[self.active]))

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest position, of the searched range and all trials together."""
        found = self.positions[self.active]
        return min([self.low, *found]), max([self.high, *found])

    @property
    def frame(self) -> tuple[float, float]:
        """Axis limits for plots: `reach` plus a margin."""
        low, high = self.reach
        margin = 0.5 if self.categories else 0.04 * (high - low) or 0.5
        return low - margin, high + margin

    @property
    def log(self) -> bool:
        return isinstance(self.dimension, Range) and self.dimension.log

    @property
    def whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return isinstance(self.dimension, Range) and is_integer(self.path)

    def value(self, position: float) -> Scalar:
        """The hyperparameter's value at an axis position; for choices, the nearest choice."""
        if self.categories:
            return self.categories[round(position)]
        number = 10.0**position if self.log else position
        return round(number) if self.whole else number

    def position(self, value: Scalar) -> float:
        """The axis position of a value; NaN if it was never an option."""
        if self.categories:
            return float(self.categories.index(value)) if value in self.categories else math.nan
        return math.nan if value is None else _position(self.dimension, float(value))


def hyperparameters(tables: StudyTables) -> list[Hyperparameter]:
    """All searched hyperparameters, each with the positions of the scored trials."""
    return [hyperparameter(tables, path) for path in tables.space]


def hyperparameter(tables: StudyTables, path: str) -> Hyperparameter:
    """One searched hyperparameter with the positions of the scored trials."""
    dimension = tables.space[path]
    active = activity(tables, tables.scored, path)
    if isinstance(dimension, Range):
        values = pd.to_numeric(tables.scored[path]).where(active)
        positions = [_position(dimension, value) for value in values]
        low, high = _position(dimension, dimension.low), _position(dimension, dimension.high)
        return Hyperparameter(path, dimension, np.asarray(positions, float), (), low, high)
    options = list(dimension.choices)
    if _are_numbers(options):
        options.sort(key=lambda option: float(option or 0))
    cells = [None if pd.isna(cell) else cell for cell in tables.scored[path]]
    # A baseline may have what nobody searched: it gets a place at the end of the axis.
    tried = [c for c, a in zip(cells, active, strict=True) if a and c is not None]
    options += [cell for cell in dict.fromkeys(tried) if cell not in options]
    index = [
        options.index(c) if a and c in options else math.nan
        for c, a in zip(cells, active, strict=True)
    ]
    end = float(len(dimension.choices) - 1)
    return Hyperparameter(path, dimension, np.asarray(index, float), tuple(options), 0.0, end)


def activity(tables: StudyTables, trials: pd.DataFrame, path: str) -> NDArray[np.bool_]:
    """Boolean mask of the trials in which a conditional hyperparameter is active."""
    active = np.ones(len(trials), bool)
    for parent, wanted in tables.space[path].when.items():
        if parent in trials:
            fits = trials[parent].isna() if wanted is None else trials[parent] == wanted
            active &= fits.to_numpy(bool)
        if parent in tables.space:
            active &= activity(tables, trials, parent)
    return active


def _position(dimension: Dimension, value: float) -> float:
    is_log = isinstance(dimension, Range) and dimension.log
    return math.log10(max(value, 1e-300)) if is_log else float(value)


def _are_numbers(options: Iterable[Scalar]) -> bool:
    return all(isinstance(o, int | float) and not isinstance(o, bool) for o in options)
