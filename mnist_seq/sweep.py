"""The driver's loop: ask, advance, listen, tell.

It knows the search, the workers, the record keeping and the display by what they do, not by what
they are made of. Every decision is taken here, between two epochs of a training.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from mnist_seq.config import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.errors import StoreError
from mnist_seq.records import (
    Ending,
    EndState,
    EpochRecord,
    Failed,
    Outcome,
    Saved,
    State,
    TrainResult,
    WorkerLost,
    best_of,
)
from mnist_seq.roles import Checkpoints, Trial, Trials, Watcher, Workers

SECONDS_BETWEEN_GLANCES = 0.25
SECONDS_BETWEEN_SAVES = 15.0
SECONDS_TO_SAVE = 2.0


@dataclass
class _Live:
    trial: Trial
    saved: State | None
    saved_at: float = field(default_factory=time.monotonic)
    records: list[EpochRecord] = field(default_factory=list)
    losses: int = 0


class Loop:
    """Trains until no trial is left, or until told to stop.

    Parameters
    ----------
    trials
        Asked for a trial whenever a slot is free, and told of every epoch and ending.
    workers
        Where the training is done.
    watchers
        Told of everything; none of them may wait for anything.
    checkpoints
        What an earlier session left is taken up from here, and what this one may leave kept.
    data_of
        The dataset that a config names.
    retries
        How many deaths of its worker a trial may outlive.
    idle
        A block around each wait for the workers: whoever shares the processor has it then.
    """

    def __init__(
        self,
        trials: Trials,
        workers: Workers,
        watchers: Sequence[Watcher],
        checkpoints: Checkpoints,
        data_of: Callable[[Config], Dataset],
        retries: int,
        idle: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._trials, self._workers, self._watchers = trials, workers, watchers
        self._idle = idle
        self._checkpoints, self._data_of, self._retries = checkpoints, data_of, retries
        self._live: dict[int, _Live] = {}
        self._homeless: list[_Live] = []  # their worker died; they go on in the next free slot

    def run(self, is_stopped: Callable[[], bool] = lambda: False) -> bool:
        """Whether it came to its end; False if it was stopped before.

        Parameters
        ----------
        is_stopped : callable
            Looked at a few times a second. Once it is true nothing more is started, and the
            states of all trainings are saved.
        """
        endings = self._checkpoints.endings()
        for trial in self._trials.left_behind(endings):
            self._tell_ended(trial, endings[trial.number])
        exhausted = False
        while not is_stopped():
            while self._workers.free and (self._homeless or not exhausted):
                exhausted = not self._start_one()
            if exhausted and not self._live and not self._homeless:
                return True
            with self._idle():
                event = self._workers.next(SECONDS_BETWEEN_GLANCES)
            if event is not None:
                self._handle(self._live[event[0]], event[1])
                # A search that was given up goes on if one that ran meanwhile succeeds.
                exhausted = exhausted and event[0] in self._live
        self._save_all()
        return False

    def _start_one(self) -> bool:
        if self._homeless:
            live = self._homeless.pop()
        else:
            trial = self._trials.next()
            if trial is None:
                return False
            live = _Live(trial, self._checkpoints.state(trial.number))
            for watcher in self._watchers:
                watcher.started(trial)
            for record in live.saved.records if live.saved else ():
                self._tell_epoch(live, record)
        number, config = live.trial.number, live.trial.config
        live.saved_at = time.monotonic()
        self._live[number] = live
        self._workers.start(number, config, self._data_of(config), live.saved)
        if live.saved is not None and live.saved.epoch == config.training.epochs:
            self._workers.finish(number)
        else:
            self._workers.advance(number)
        return True

    def _handle(self, live: _Live, outcome: Outcome) -> None:
        match outcome:
            case EpochRecord():
                self._epoch(live, outcome)
            case TrainResult():
                self._end(live, "complete", result=outcome)
            case Saved(state):
                live.saved, live.saved_at = state, time.monotonic()
                self._save(live.trial.number, state)
            case Failed(kind, detail):
                self._end(live, "failed", reason=f"{kind}: {detail}")
            case WorkerLost():
                self._lost(live, outcome)

    def _epoch(self, live: _Live, record: EpochRecord) -> None:
        number = live.trial.number
        hopeless = self._tell_epoch(live, record)
        if record.epoch == live.trial.config.training.epochs:
            self._workers.finish(number)
        elif hopeless and live.trial.prunable:
            self._end(live, "pruned")
        else:
            self._workers.advance(number)
            if time.monotonic() - live.saved_at > SECONDS_BETWEEN_SAVES:
                live.saved_at = time.monotonic()
                self._workers.save(number)

    def _tell_epoch(self, live: _Live, record: EpochRecord) -> bool:
        # After a worker's death some epochs are trained again, to the same figures: told once.
        if record.epoch > len(live.records):
            live.records.append(record)
            for watcher in self._watchers:
                watcher.epoch(live.trial, record)
        best = best_of(live.records, live.trial.config.training.monitor)
        return self._trials.is_hopeless(live.trial, best, record.epoch)

    def _lost(self, live: _Live, loss: WorkerLost) -> None:
        live.losses += 1
        if live.losses > self._retries:
            times = "" if live.losses == 1 else f", as in {live.losses - 1} attempts before"
            self._end(live, "failed", reason=f"{loss.kind}: {loss.detail}{times}")
            return
        number = live.trial.number
        self._workers.drop(number)
        self._homeless.append(self._live.pop(number))
        epoch = live.saved.epoch if live.saved else 0
        for watcher in self._watchers:
            watcher.message(f"trial {number}: {loss.detail}; it goes on after epoch {epoch}")

    def _end(
        self,
        live: _Live,
        state: EndState,
        result: TrainResult | None = None,
        reason: str | None = None,
    ) -> None:
        trial, records = live.trial, tuple(live.records)
        best = best_of(records, trial.config.training.monitor) if records else None
        ending = Ending(state, records, best, result, reason)
        self._workers.drop(trial.number)
        del self._live[trial.number]
        # Kept before anybody is told: whoever is not told before a crash is told after it.
        self._checkpoints.save_ending(trial.number, ending)
        self._trials.end(trial, ending)
        for watcher in self._watchers:
            watcher.ended(trial, ending)

    def _tell_ended(self, trial: Trial, ending: Ending) -> None:
        for watcher in self._watchers:
            watcher.started(trial)
            watcher.ended(trial, ending)

    def _save(self, number: int, state: State) -> None:
        try:
            self._checkpoints.save_state(number, state)
        except StoreError as error:  # the training itself can go on
            for watcher in self._watchers:
                watcher.message(f"trial {number}: its state could not be saved: {error}")

    def _save_all(self) -> None:
        waiting = set(self._live)
        for number in waiting:
            self._workers.save(number)
        deadline = time.monotonic() + SECONDS_TO_SAVE
        while waiting and (left := deadline - time.monotonic()) > 0:
            match self._workers.next(left):
                case number, Saved(state):
                    self._save(number, state)
                    waiting.discard(number)
                case number, WorkerLost() | Failed():  # said again and again until it is dropped
                    self._workers.drop(number)
                    waiting.discard(number)
