"""Pruners: stop a trial early by comparing its learning curve with those of other trials.

Given the same reports in the same order, each decides as Optuna's pruner of its name. Optuna's own
cannot be asked twice: `SuccessiveHalvingPruner` notes in the trial that a rung is passed before it
answers, so that a pruned trial that is asked again, after a crash, would go on. These note a report
once and answer as often as they are asked.

In a search with several aims a trial is compared only with those that cost no more, in none of the
costs: only they can dominate it. The pruner's judgement stays what it is with one aim, that the
trial will not become better than the best of these. Since costs do not change any more, it follows
that it will be dominated. A trial on the front, as far as it has come, is the best of those that
cost no more and goes on, however much better costly ones are. With one aim there are no costs, and
all trials are compared.
"""

import math
import zlib
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from mnist_seq.config.search import SearchConfig
from mnist_seq.search.aims import Costs, no_costlier

REDUCTION_FACTOR = 3
MEDIAN_STARTUP_TRIALS = 5
MEDIAN_LEAST_TRIALS = 3  # that have a value at the epoch

_Rated: TypeAlias = tuple[float, Costs]


class Pruner:
    """Base class of pruners, which prunes no trial. Epochs count from 1."""

    def report(self, number: int, epoch: int, value: float, costs: Costs = (), /) -> None:
        """Record a trial's value after an epoch; higher is better; the first report counts."""

    def should_prune(self, _number: int, _epoch: int, /) -> bool:
        """Whether to stop a trial after an epoch that was reported."""
        return False

    def complete(self, curve: Mapping[int, float], costs: Costs = (), /) -> None:
        """Record the learning curve (value by epoch) of a completed trial."""


class HyperbandPruner(Pruner):
    """Asynchronous Hyperband: of the trials that reach a rung, only the best third continues.

    Rungs are at epochs 1, 3, 9, ... In Hyperband a part of the trials skips the first rungs: which
    trial belongs to which bracket follows from the study's name and the trial's number alone.

    Parameters
    ----------
    name : str
        The study's.
    epochs : int
        The most that a trial may train; 1 makes it plain successive halving.

    References
    ----------
    Li et al., "Hyperband", JMLR 2018; Li et al., "A System for Massively Parallel Hyperparameter
    Tuning", MLSys 2020, algorithm 2.
    """

    def __init__(self, name: str, epochs: int) -> None:
        self._name = name
        most = math.floor(math.log(epochs, REDUCTION_FACTOR))
        # Shares of the trials: each bracket gets about the same number of epochs.
        self._shares = [
            math.ceil((most + 1) * REDUCTION_FACTOR ** (most - bracket) / (most - bracket + 1))
            for bracket in range(most + 1)
        ]
        self._values: dict[tuple[int, int], _Rated] = {}  # at rungs, by number and epoch
        self._rungs: dict[tuple[int, int], list[_Rated]] = defaultdict(list)  # lowest first

    def report(self, number: int, epoch: int, value: float, costs: Costs = (), /) -> None:
        bracket = self._bracket(number)
        is_rung = _is_power(epoch) and epoch >= REDUCTION_FACTOR**bracket
        if is_rung and (number, epoch) not in self._values:
            self._values[number, epoch] = value, costs
            if not math.isnan(value):
                insort(self._rungs[bracket, epoch], (value, costs))

    def should_prune(self, number: int, epoch: int, /) -> bool:
        if (number, epoch) not in self._values:  # no rung
            return False
        value, costs = self._values[number, epoch]
        rung = _no_costlier(self._rungs[self._bracket(number), epoch], costs)
        return math.isnan(value) or value < rung[-max(1, len(rung) // REDUCTION_FACTOR)]

    def _bracket(self, number: int) -> int:
        place = zlib.crc32(f"{self._name}_{number}".encode()) % sum(self._shares)
        for bracket, share in enumerate(self._shares):
            place -= share
            if place < 0:
                return bracket
        raise AssertionError("the place is below the sum of the shares")


class MedianPruner(Pruner):
    """Stops a trial whose best so far is below the median of the complete trials at that epoch."""

    def __init__(self) -> None:
        self._complete: list[Costs] = []
        self._completed_at: dict[int, list[_Rated]] = defaultdict(list)  # by epoch
        self._curves: dict[int, dict[int, float]] = defaultdict(dict)
        self._costs: dict[int, Costs] = {}

    def report(self, number: int, epoch: int, value: float, costs: Costs = (), /) -> None:
        self._curves[number][epoch] = value
        self._costs[number] = costs

    def should_prune(self, number: int, epoch: int, /) -> bool:
        if number not in self._costs:  # its epochs were reported in another space
            return False
        costs = self._costs[number]
        complete = sum(no_costlier(each, costs) for each in self._complete)
        if complete < MEDIAN_STARTUP_TRIALS:
            return False
        values = [value for at, value in self._curves[number].items() if at <= epoch]
        best = max((value for value in values if not math.isnan(value)), default=None)
        if best is None:
            return True
        others = _no_costlier(self._completed_at[epoch], costs)
        return len(others) >= MEDIAN_LEAST_TRIALS and bool(best < np.nanpercentile(others, 50))

    def complete(self, curve: Mapping[int, float], costs: Costs = (), /) -> None:
        self._complete.append(costs)
        for epoch, value in curve.items():
            self._completed_at[epoch].append((value, costs))


def build_pruner(search: SearchConfig, study: str, epochs: int) -> Pruner:
    """Create the configured pruner, for trials of at most `epochs` epochs."""
    match search.pruner:
        case "hyperband":
            return HyperbandPruner(study, epochs)
        case "successive_halving":
            return HyperbandPruner(study, 1)
        case "median":
            return MedianPruner()
        case "none":
            return Pruner()


def _no_costlier(rated: Iterable[_Rated], costs: Costs) -> list[float]:
    return [value for value, own in rated if no_costlier(own, costs)]


def _is_power(epoch: int) -> bool:
    while epoch % REDUCTION_FACTOR == 0:
        epoch //= REDUCTION_FACTOR
    return epoch == 1
