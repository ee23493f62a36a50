"""The driver's loop: ask, advance, listen, tell.

It knows the search, the workers, the record keeping and the display by what they do, not by what
they are made of. Every decision is taken here, between two epochs of a training.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from mnist_seq.config import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.records import (
    EpochRecord,
    Failed,
    Outcome,
    Saved,
    State,
    TrainResult,
    WorkerLost,
    best_of,
)
from mnist_seq.space import Values

SECONDS_BETWEEN_GLANCES = 0.25
SECONDS_BETWEEN_SAVES = 15.0


@dataclass(frozen=True)
class Trial:
    """One training that is to be done.

    Attributes
    ----------
    number : int
        Its number in the study, from 0.
    config : Config
        All of its settings.
    values : dict of str to scalar
        Those that are searched, by path; empty where nothing is.
    prunable : bool
        Whether it may be given up before its last epoch.
    """

    number: int
    config: Config
    values: Values
    prunable: bool = True


@dataclass(frozen=True)
class Ending:
    """How a trial ended.

    Attributes
    ----------
    state : str
        complete, pruned or failed.
    records : tuple of EpochRecord
        Its curve, as far as it got.
    best : EpochRecord or None
        The best epoch; None where not one was finished.
    result : TrainResult or None
        The network of a complete trial.
    reason : str or None
        Why a trial failed.
    """

    state: Literal["complete", "pruned", "failed"]
    records: tuple[EpochRecord, ...]
    best: EpochRecord | None
    result: TrainResult | None = None
    reason: str | None = None


class Trials(Protocol):
    """Where trials come from, and who judges them."""

    def next(self) -> Trial | None:
        """The next trial to start, or None when there is none left."""

    def is_hopeless(self, trial: Trial, best: EpochRecord, epoch: int, /) -> bool:
        """Note a trial's best so far; whether to give it up."""

    def end(self, trial: Trial, ending: Ending) -> None:
        """Note how a trial ended."""


class Workers(Protocol):
    """Slots, each for one training at a time, named by the number of its trial."""

    @property
    def free(self) -> int: ...

    def start(
        self, number: int, config: Config, data: Dataset, state: State | None = None
    ) -> None: ...

    def advance(self, number: int) -> None: ...

    def finish(self, number: int) -> None: ...

    def save(self, number: int) -> None: ...

    def drop(self, number: int) -> None: ...

    def next(self, timeout: float) -> tuple[int, Outcome] | None: ...


class Watcher(Protocol):
    """Is told what happens, in order: record keeping, and the display."""

    def started(self, trial: Trial, /) -> None: ...

    def epoch(self, trial: Trial, record: EpochRecord, /) -> None: ...

    def ended(self, trial: Trial, ending: Ending, /) -> None: ...

    def message(self, text: str, /) -> None: ...


@dataclass
class _Live:
    trial: Trial
    records: list[EpochRecord] = field(default_factory=list)
    saved: State | None = None
    saved_at: float = field(default_factory=time.monotonic)
    losses: int = 0


def run(
    trials: Trials,
    workers: Workers,
    watchers: Sequence[Watcher],
    data_of: Callable[[Config], Dataset],
    *,
    retries: int,
    is_stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Train until no trial is left, or until told to stop.

    Parameters
    ----------
    trials
        Asked for a trial whenever a slot is free, and told of every epoch and ending.
    workers
        Where the training is done.
    watchers
        Told of everything; none of them may wait for anything.
    data_of
        The dataset that a config names.
    retries
        How many deaths of its worker a trial may outlive.
    is_stopped
        Looked at between events; once it is true, nothing more is started.
    """
    _Loop(trials, workers, watchers, data_of, retries).run(is_stopped)


class _Loop:
    def __init__(
        self,
        trials: Trials,
        workers: Workers,
        watchers: Sequence[Watcher],
        data_of: Callable[[Config], Dataset],
        retries: int,
    ) -> None:
        self.trials, self.workers, self.watchers = trials, workers, watchers
        self.data_of, self.retries = data_of, retries
        self.live: dict[int, _Live] = {}
        self.homeless: list[_Live] = []  # their worker died; they go on in the next free slot

    def run(self, is_stopped: Callable[[], bool]) -> None:
        exhausted = False
        while not is_stopped():
            while (self.workers.free and not exhausted) or (self.workers.free and self.homeless):
                exhausted = not self._start_one()
            if exhausted and not self.live:
                return
            event = self.workers.next(SECONDS_BETWEEN_GLANCES)
            if event is not None:
                self._handle(self.live[event[0]], event[1])

    def _start_one(self) -> bool:
        if self.homeless:
            live = self.homeless.pop()
        else:
            trial = self.trials.next()
            if trial is None:
                return False
            live = _Live(trial)
            for watcher in self.watchers:
                watcher.started(trial)
        self.live[live.trial.number] = live
        live.saved_at = time.monotonic()
        config = live.trial.config
        self.workers.start(live.trial.number, config, self.data_of(config), live.saved)
        return True

    def _handle(self, live: _Live, outcome: Outcome) -> None:
        match outcome:
            case EpochRecord():
                self._epoch(live, outcome)
            case TrainResult():
                self._end(live, "complete", result=outcome)
            case Saved(state):
                live.saved, live.saved_at = state, time.monotonic()
            case Failed(reason):
                self._end(live, "failed", reason=reason)
            case WorkerLost(reason):
                self._lost(live, reason)

    def _epoch(self, live: _Live, record: EpochRecord) -> None:
        trial = live.trial
        number = trial.number
        # After a worker's death some epochs are trained again, to the same figures: told once.
        if record.epoch > len(live.records):
            live.records.append(record)
            for watcher in self.watchers:
                watcher.epoch(trial, record)
        best = best_of(live.records, trial.config.training.monitor)
        hopeless = self.trials.is_hopeless(trial, best, record.epoch)
        if record.epoch == trial.config.training.epochs:
            self.workers.finish(number)
        elif hopeless and trial.prunable:
            self._end(live, "pruned")
        else:
            self.workers.advance(number)
            if time.monotonic() - live.saved_at > SECONDS_BETWEEN_SAVES:
                self.workers.save(number)

    def _lost(self, live: _Live, reason: str) -> None:
        live.losses += 1
        if live.losses > self.retries:
            self._end(live, "failed", reason=f"{reason}, {live.losses} times in this training")
            return
        self.workers.drop(live.trial.number)
        self.homeless.append(self.live.pop(live.trial.number))
        epoch = live.saved.epoch if live.saved else 0
        for watcher in self.watchers:
            watcher.message(f"trial {live.trial.number}: {reason}; goes on after epoch {epoch}")

    def _end(
        self,
        live: _Live,
        state: Literal["complete", "pruned", "failed"],
        result: TrainResult | None = None,
        reason: str | None = None,
    ) -> None:
        trial, records = live.trial, tuple(live.records)
        best = best_of(records, trial.config.training.monitor) if records else None
        ending = Ending(state, records, best, result, reason)
        self.workers.drop(trial.number)
        del self.live[trial.number]
        self.trials.end(trial, ending)
        for watcher in self.watchers:
            watcher.ended(trial, ending)
