"""Axis scales and limits, and the choice of round tick values."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.hyperparameters import Hyperparameter

Ticks = tuple[list[float], list[str]]
ENOUGH = 3  # ticks that a reader needs to find their way on an axis that is not even
ACCURACIES = (0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.0, 0.999, 0.995)


class Scored(Protocol):
    """What has values of an objective: a study, or trainings around one config."""

    @property
    def maximised(self) -> bool:
        """Whether they are accuracies; else they are losses."""

    @property
    def validation_images(self) -> int:
        """On how many images each was measured."""


@dataclass(frozen=True)
class ValueScale:
    """Logarithmic scale of the error rate or loss, with better values higher.

    Between 98.5 and 99 % lies as much as between 10 and 40 %: the error falls by a third. On this
    scale good trials are told apart and hopeless ones are still in the picture.
    """

    scored: Scored

    def position(self, values: float | NDArray[np.floating]) -> NDArray[np.float64]:
        if self.scored.maximised:
            floor = 0.5 / self.scored.validation_images
            return np.asarray(-np.log10(np.maximum(1 - np.asarray(values, float), floor)))
        return np.asarray(-np.log10(np.maximum(np.asarray(values, float), 1e-9)))

    def ticks(self, low: float, high: float, gap: float = 0.15) -> Ticks:
        """Round tick values between two positions, at least `gap` of the axis apart."""

        def place(value: float) -> float:
            return float(self.position(value))

        ends = sorted(1 - 10.0**-p if self.scored.maximised else 10.0**-p for p in (low, high))
        familiar = [list(ACCURACIES)] if self.scored.maximised else []
        levels = [*familiar, *_levels(max(ends[0], 0.0), ends[1])]
        chosen = _spaced(levels, low, high, gap, place)
        decimals = max((_decimals(100 * v) for v in chosen), default=0)
        labels = [
            f"{100 * v:.{decimals}f} %" if self.scored.maximised else wording.exact(v)
            for v in chosen
        ]
        return [place(v) for v in chosen], labels


def hyperparameter_ticks(hyperparameter: Hyperparameter, gap: float = 0.14) -> Ticks:
    """Ticks of a hyperparameter: all choices, or round values at least `gap` apart."""
    if hyperparameter.categories:
        labels = [wording.shortened(wording.setting(c), 18) for c in hyperparameter.categories]
        return [float(i) for i in range(len(labels))], labels
    whole, log = hyperparameter.whole, hyperparameter.log
    return round_ticks(*hyperparameter.frame, whole=whole, log=log, gap=gap)


def round_ticks(
    low: float, high: float, *, whole: bool = False, log: bool = False, gap: float = 0.13
) -> Ticks:
    """Round tick values between two positions; with `log`, positions are log10 of values."""
    if log:
        chosen = _spaced(_levels(10.0**low, 10.0**high), low, high, gap, math.log10)
        chosen = [v for v in chosen if not whole or v == int(v)]
        return [math.log10(v) for v in chosen], [wording.exact(v) for v in chosen]
    chosen = _even(low, high, gap, whole=whole)
    return chosen, [wording.exact(v) for v in chosen]


def framed(values: NDArray[np.float64], share: float, least: float = 0) -> tuple[float, float]:
    """Axis limits: the finite values plus a margin of `share` of their range, or `least`."""
    found = values[np.isfinite(values)]
    low, high = float(found.min()), float(found.max())
    margin = share * (high - low) or least
    return low - margin, high + margin


def thinned(ticks: Ticks, most: int) -> Ticks:
    """Keep every n-th tick, with the smallest n that leaves at most `most` ticks."""
    step = -(-len(ticks[0]) // max(most, 1)) or 1
    return ticks[0][::step], ticks[1][::step]


def _levels(low: float, high: float) -> Iterator[list[float]]:
    """Candidate tick values between two ends, in lists from the roundest to the finest."""
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
) -> list[float]:
    """Choose candidate values that keep a gap, using finer lists only while too few fit."""
    chosen: dict[float, float] = {}
    for level in levels:
        for value in level:
            here = place(value)
            inside = low - 1e-9 <= here <= high + 1e-9
            if inside and all(abs(here - there) >= gap * (high - low) for there in chosen.values()):
                chosen[value] = here
        if len(chosen) >= ENOUGH:
            break
    return sorted(chosen)


def _even(low: float, high: float, gap: float, *, whole: bool) -> list[float]:
    """Multiples of the smallest round step that is at least the gap."""
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
