"""When a trial is hopeless: its curve against those of the trials before it.

A pruner keeps what it compares with: a judgement costs the same after 20 trials and after 20,000,
and asks no database. Told the same curves in the same order, each judges as Optuna's of its name.
An epoch that is told again, after a restart, is judged as it was.
"""

import math
import zlib
from bisect import insort
from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from mnist_seq.config import SearchConfig

REDUCTION_FACTOR = 3
MEDIAN_STARTUP_TRIALS = 5
MEDIAN_LEAST_TRIALS = 3  # that have a value at the epoch


class Pruner(Protocol):
    """Judges trials by their values, the higher the better, after each epoch from 1."""

    def is_hopeless(self, number: int, epoch: int, value: float, /) -> bool:
        """Note a trial's value after an epoch; whether to give the trial up."""

    def completed(self, values: Mapping[int, float], /) -> None:
        """Note the whole curve of a trial that came to its end, by epoch."""


class Patience:
    """Gives nobody up."""

    def is_hopeless(self, _number: int, _epoch: int, _value: float, /) -> bool:
        return False

    def completed(self, _values: Mapping[int, float], /) -> None:
        """Nothing: nothing is compared."""


class Halving:
    """Of the trials that get as far as a rung, the best third goes on.

    Rungs are at epochs 1, 3, 9, ... In Hyperband a part of the trials skips the first rungs: who
    belongs to which bracket follows from the study's name and the trial's number alone.

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
        self._there: set[tuple[int, int]] = set()
        self._rungs: dict[tuple[int, int], list[float]] = defaultdict(list)  # lowest first

    def is_hopeless(self, number: int, epoch: int, value: float, /) -> bool:
        bracket = self._bracket(number)
        if not _is_power(epoch) or epoch < REDUCTION_FACTOR**bracket:
            return False
        if math.isnan(value):
            return True
        rung = self._rungs[bracket, epoch]
        if (number, epoch) not in self._there:
            self._there.add((number, epoch))
            insort(rung, value)
        places = max(1, len(rung) // REDUCTION_FACTOR)
        return value < rung[-places]

    def completed(self, _values: Mapping[int, float], /) -> None:
        """Nothing: who came to a rung counts, however it ended."""

    def _bracket(self, number: int) -> int:
        place = zlib.crc32(f"{self._name}_{number}".encode()) % sum(self._shares)
        for bracket, share in enumerate(self._shares):
            place -= share
            if place < 0:
                return bracket
        raise AssertionError("the place is below the sum of the shares")


class Median:
    """Gives up whose best so far is below the median of the complete trials at that epoch."""

    def __init__(self) -> None:
        self._complete = 0
        self._at: dict[int, list[float]] = defaultdict(list)
        self._own: dict[int, dict[int, float]] = defaultdict(dict)

    def is_hopeless(self, number: int, epoch: int, value: float, /) -> bool:
        own = self._own[number]
        own[epoch] = value
        if self._complete < MEDIAN_STARTUP_TRIALS:
            return False
        best = np.nanmax([value for at, value in own.items() if at <= epoch] or [math.nan])
        if math.isnan(best):
            return True
        others = self._at[epoch]
        return len(others) >= MEDIAN_LEAST_TRIALS and bool(best < np.nanpercentile(others, 50))

    def completed(self, values: Mapping[int, float], /) -> None:
        self._complete += 1
        for epoch, value in values.items():
            self._at[epoch].append(value)


class Judge:
    """What a pruner says to the trials of a study. That a trial may go on is said once for all.

    Parameters
    ----------
    maximize : bool
        Whether the higher values are the better ones.
    """

    def __init__(self, pruner: Pruner, maximize: bool) -> None:
        self._pruner = pruner
        self._sign = 1 if maximize else -1
        self._went_on: dict[int, int] = {}  # after which epoch

    def is_hopeless(self, number: int, epoch: int, value: float) -> bool:
        """Whether to give a trial up after an epoch; one that is told again changes nothing."""
        if epoch <= self._went_on.get(number, 0):
            return False
        is_hopeless = self._pruner.is_hopeless(number, epoch, self._sign * value)
        if not is_hopeless:
            self._went_on[number] = epoch
        return is_hopeless

    def recall(self, number: int, values: Mapping[int, float]) -> None:
        """Know a trial of an earlier session: of its last epoch only, the verdict is open."""
        for epoch, value in sorted(values.items()):
            self._pruner.is_hopeless(number, epoch, self._sign * value)
        self._went_on[number] = max(values, default=1) - 1

    def completed(self, values: Mapping[int, float]) -> None:
        """Compare the trials to come with one that came to its end."""
        self._pruner.completed({epoch: self._sign * value for epoch, value in values.items()})


def build_pruner(search: SearchConfig, study: str, epochs: int) -> Pruner:
    """Pruner for the trials of a study, which train for at most that many epochs."""
    match search.pruner:
        case "hyperband":
            return Halving(study, epochs)
        case "successive_halving":
            return Halving(study, 1)
        case "median":
            return Median()
        case "none":
            return Patience()


def _is_power(epoch: int) -> bool:
    while epoch % REDUCTION_FACTOR == 0:
        epoch //= REDUCTION_FACTOR
    return epoch == 1
