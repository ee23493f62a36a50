"""Axes: where a value of the objective or of a hyperparameter is drawn, and which ticks it gets.

Figures work in these positions, so a logarithm, a list of choices and an accuracy near 100 % are
all plain numbers to whatever draws them.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnist_seq.config import Choices, Range, Scalar
from mnist_seq.report import wording
from mnist_seq.report.tables import StudyTables, missing

Ticks = tuple[list[float], list[str]]
ENOUGH = 3  # ticks that a reader needs to find their way on an axis that is not even
ACCURACIES = (0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.0, 0.999, 0.995)


@dataclass(frozen=True)
class ValueScale:
    """The objective's axis: logarithmic in what is left to gain, upwards is better.

    Between 98.5 and 99 % lies as much as between 10 and 40 %: the error falls by a third. On this
    scale good trials are told apart and hopeless ones are still in the picture.
    """

    tables: StudyTables

    def position(self, values: float | NDArray[np.floating]) -> NDArray[np.float64]:
        if self.tables.maximised:
            floor = 0.5 / self.tables.validation_images
            return np.asarray(-np.log10(np.maximum(1 - np.asarray(values, float), floor)))
        return np.asarray(-np.log10(np.maximum(np.asarray(values, float), 1e-9)))

    def ticks(self, low: float, high: float, gap: float = 0.15) -> Ticks:
        """Round values between two positions, none nearer than `gap` of the axis."""

        def place(value: float) -> float:
            return float(self.position(value))

        ends = sorted(1 - 10.0**-p if self.tables.maximised else 10.0**-p for p in (low, high))
        if self.tables.maximised:
            levels = [list(ACCURACIES), *_levels(max(ends[0], 0.0), ends[1])]
        else:
            levels = list(_levels(*ends))
        chosen = _spaced(levels, low, high, gap, place)
        decimals = max((_decimals(100 * v) for v in chosen), default=0)
        labels = [
            f"{100 * v:.{decimals}f} %" if self.tables.maximised else wording.exact(v)
            for v in chosen
        ]
        return [place(v) for v in chosen], labels


@dataclass(frozen=True)
class Hyperparameter:
    """A searched path and where each scored trial lies on its axis.

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
        """Whether neighbours on the axis are alike: numbers, but not names."""
        return not self.categories or _are_numbers(self.categories)

    @property
    def distinct(self) -> int:
        return len(np.unique(self.positions[self.active]))

    @property
    def frame(self) -> tuple[float, float]:
        """The axis' ends: the range and whatever a baseline has outside it, with a margin."""
        found = self.positions[self.active]
        low, high = min([self.low, *found]), max([self.high, *found])
        margin = 0.5 if self.categories else 0.04 * (high - low) or 0.5
        return low - margin, high + margin

    def value(self, position: float) -> float:
        """A range's value at a position."""
        log = isinstance(self.dimension, Range) and self.dimension.log
        return 10.0**position if log else position

    def ticks(self, gap: float = 0.14) -> Ticks:
        if self.categories:
            return [float(i) for i in range(len(self.categories))], [
                wording.shortened(wording.setting(c), 18) for c in self.categories
            ]
        low, high = self.frame

        def place(value: float) -> float:
            return _place(self.dimension, value)

        ends = self.value(low), self.value(high)
        whole = isinstance(self.dimension, Range) and isinstance(self.dimension.low, int)
        if isinstance(self.dimension, Range) and self.dimension.log:
            chosen = _spaced(_levels(*ends), low, high, gap, place)
        else:
            chosen = _even(low, high, gap, whole=whole)
        if whole:
            chosen = [v for v in chosen if v == int(v)]
        return [place(v) for v in chosen], [wording.exact(v) for v in chosen]


def hyperparameter(tables: StudyTables, path: str) -> Hyperparameter:
    """One searched path with the positions of the scored trials."""
    dimension = tables.space[path]
    active = activity(tables, tables.scored, path)
    cells = list(tables.scored[path])
    if isinstance(dimension, Range):
        positions = [
            _place(dimension, float(c)) if a and not missing(c) else math.nan
            for c, a in zip(cells, active, strict=True)
        ]
        low, high = (_place(dimension, end) for end in (dimension.low, dimension.high))
        return Hyperparameter(path, dimension, np.asarray(positions, float), (), low, high)
    options = list(dimension.choices)
    if _are_numbers(options):
        options.sort(key=lambda option: float(option or 0))
    index = [
        _index(options, None if missing(c) else c) if a else math.nan
        for c, a in zip(cells, active, strict=True)
    ]
    positions_array = np.asarray(index, float)
    end = float(len(dimension.choices) - 1)
    return Hyperparameter(path, dimension, positions_array, tuple(options), 0.0, end)


def hyperparameters(tables: StudyTables) -> list[Hyperparameter]:
    return [hyperparameter(tables, path) for path in tables.space]


def thinned(ticks: Ticks, most: int) -> Ticks:
    """Every so-manieth tick, so that no more than `most` are left."""
    step = -(-len(ticks[0]) // max(most, 1)) or 1
    return ticks[0][::step], ticks[1][::step]


def activity(tables: StudyTables, trials: pd.DataFrame, path: str) -> NDArray[np.bool_]:
    """Which of the trials a path had a say in: those that fulfil its conditions."""
    active = np.ones(len(trials), bool)
    for parent, wanted in tables.space[path].when.items():
        if parent in trials:
            active &= np.asarray(
                [wanted is None if missing(c) else c == wanted for c in trials[parent]], bool
            )
        if parent in tables.space:
            active &= activity(tables, trials, parent)
    return active


def _place(dimension: Range | Choices, value: float) -> float:
    log = isinstance(dimension, Range) and dimension.log
    return math.log10(max(value, 1e-300)) if log else float(value)


def _index(options: list[Scalar], value: Scalar) -> float:
    # A baseline may have what nobody searched: it gets a place at the end of the axis.
    if value is None and None not in options:
        return math.nan
    if value not in options:
        options.append(value)
    return float(options.index(value))


def _are_numbers(options: Iterable[Scalar]) -> bool:
    return all(isinstance(o, int | float) and not isinstance(o, bool) for o in options)


def _levels(low: float, high: float) -> Iterator[list[float]]:
    """Numbers between two ends, rounder ones first: decades if they span many, else even steps."""
    if low > 0 and high / low >= 30:
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for mantissa in (1, 2, 5):
            yield [float(f"{mantissa}e{exponent}") for exponent in exponents]
        return
    top = math.floor(math.log10(max(high - low, 1e-12))) + 1
    for exponent in range(top, top - 5, -1):
        for mantissa in (5, 2, 1):
            step = mantissa * 10.0**exponent
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            yield [float(f"{k * step:.9g}") for k in range(first, last + 1)]


def _spaced(
    levels: Iterable[list[float]],
    low: float,
    high: float,
    gap: float,
    place: Callable[[float], float],
    enough: int = ENOUGH,
) -> list[float]:
    """Values whose places keep a gap, from as few levels as give enough of them."""
    chosen: dict[float, float] = {}
    for level in levels:
        for value in level:
            here = place(value)
            inside = low - 1e-9 <= here <= high + 1e-9
            if inside and all(abs(here - there) >= gap * (high - low) for there in chosen.values()):
                chosen[value] = here
        if len(chosen) >= enough:
            break
    return sorted(chosen)


def _even(low: float, high: float, gap: float, *, whole: bool) -> list[float]:
    """Multiples of the smallest round step whose places keep a gap."""
    least = max(gap * (high - low), 1e-12)
    exponent = math.floor(math.log10(least))
    steps = [m * 10.0**e for e in (exponent, exponent + 1) for m in (1, 2, 5)]
    step = next((s for s in steps if s >= least * (1 - 1e-9)), least)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.9g}") for k in range(first, last + 1)]


def _decimals(value: float) -> int:
    text = f"{value:.4f}".rstrip("0")
    return len(text.partition(".")[2])


def round_ticks(
    low: float, high: float, *, whole: bool = False, log: bool = False, gap: float = 0.13
) -> Ticks:
    """Ticks of a plain axis; with `log`, `low` and `high` are decimal logarithms."""
    if log:
        chosen = _spaced(_levels(10.0**low, 10.0**high), low, high, gap, math.log10)
        return [math.log10(v) for v in chosen], [wording.exact(v) for v in chosen]
    chosen = _even(low, high, gap, whole=whole)
    return chosen, [wording.exact(v) for v in chosen]
