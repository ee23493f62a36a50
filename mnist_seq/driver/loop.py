"""The driver's main loop: start trials, handle worker events, prune, save and report.

It knows search, workers, tracking and display by their protocols alone. Every decision is taken
here, between two epochs of a training.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.data.digests import Digests, changed_images
from mnist_seq.data.listed import many
from mnist_seq.driver.checkpoints import Checkpoints
from mnist_seq.driver.protocols import TrialSource, Workers
from mnist_seq.errors import DataError, FaultError, StoreError
from mnist_seq.records import (
    Callback,
    EnvironmentFault,
    EpochRecord,
    FinalState,
    StateFetched,
    TrainingFailed,
    TrainingState,
    TrainResult,
    Trial,
    TrialOutcome,
    WorkerEvent,
    WorkerLost,
    best_of,
)

SECONDS_BETWEEN_POLLS = 0.25
SECONDS_BETWEEN_SAVES = 15.0
SECONDS_TO_SAVE = 2.0


@dataclass
class _RunningTrial:
    trial: Trial
    data: Digests
    saved: TrainingState | None
    saved_at: float = field(default_factory=time.monotonic)
    records: list[EpochRecord] = field(default_factory=list)
    worker_losses: int = 0


class Driver:
    """Runs trials on the workers until none is left or a stop is requested.

    Parameters
    ----------
    trials
        Asked for a trial whenever a slot is free, and told of every epoch and outcome.
    workers
        Where the training is done.
    callbacks
        Told of everything.
    checkpoints
        What an earlier session left is resumed from here, and what this one may leave is saved.
    data_of
        The dataset that a config names.
    retries
        How often a trial may lose its worker without an epoch between.
    idle
        A block around each wait for the workers: other threads of the driver work in it.
    """

    def __init__(
        self,
        trials: TrialSource,
        workers: Workers,
        callbacks: Sequence[Callback],
        checkpoints: Checkpoints,
        data_of: Callable[[Config], Dataset],
        retries: int,
        idle: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._trials, self._workers, self._callbacks = trials, workers, callbacks
        self._idle = idle
        self._checkpoints, self._data_of, self._retries = checkpoints, data_of, retries
        self._running: dict[int, _RunningTrial] = {}
        self._requeued: list[_RunningTrial] = []  # they lost their workers

    def run(self, is_stopped: Callable[[], bool] = lambda: False) -> bool:
        """Run all trials; return True if none is left, False if stopped before.

        Parameters
        ----------
        is_stopped : callable
            Polled a few times a second. Once it is true nothing more is started, and the states
            of all trainings are saved.

        Raises
        ------
        MnistSeqError
            If the search or a training cannot go on; all states are saved.
        """
        self._recover()
        try:
            is_complete = self._train(is_stopped)
        except Exception:  # also of a terminal that is gone or a full disk
            self._save_all()
            raise
        if not is_complete:
            self._save_all()
        return is_complete

    def _train(self, is_stopped: Callable[[], bool]) -> bool:
        exhausted = False
        while not is_stopped():
            while self._workers.free and (self._requeued or not exhausted):
                exhausted = not self._start_one()
            if exhausted and not self._running and not self._requeued:
                return True
            with self._idle():
                event = self._workers.next(SECONDS_BETWEEN_POLLS)
            if event is not None:
                self._handle(self._running[event[0]], event[1])
                # A search that was given up goes on if one that ran meanwhile succeeds.
                exhausted = exhausted and event[0] in self._running
        return False

    def _recover(self) -> None:
        """Report the outcomes of an earlier session that Optuna or MLflow may still lack."""
        outcomes = self._checkpoints.outcomes()
        for trial in self._trials.recover(outcomes):
            self._checked_digests(trial)
            for callback in self._callbacks:
                callback.on_trial_start(trial)
                callback.on_trial_end(trial, outcomes[trial.number])

    def _start_one(self) -> bool:
        """Start or resume a trial in a free slot; return False if no trial is left."""
        if self._requeued:
            running = self._requeued.pop()
        else:
            trial = self._trials.next()
            for refused in self._trials.pop_refused():
                for callback in self._callbacks:
                    callback.on_trial_refused(*refused)
            if trial is None:
                return False
            digests = self._checked_digests(trial)
            running = _RunningTrial(trial, digests, self._checkpoints.state(trial.number))
            for callback in self._callbacks:
                callback.on_trial_start(trial)
            saved = running.saved.records if running.saved else ()
            if reason := self._trials.broken_limit(trial, saved):
                running.records += saved
                self._end(running, "infeasible", reason=reason)
                return True
            for record in saved:
                self._report(running, record)
        number, config = running.trial.number, running.trial.config
        data = self._data_of(config)
        running.saved_at = time.monotonic()
        self._running[number] = running
        self._workers.start(number, config, data, running.saved)
        if running.saved is not None and running.saved.epoch == config.training.epochs:
            self._workers.finish(number)
        else:
            self._workers.advance(number)
        return True

    def _checked_digests(self, trial: Trial) -> Digests:
        """Digests of a trial's data; refuse to go on if an earlier session had other data."""
        known = self._checkpoints.data(trial.number)
        digests = self._data_of(trial.config).digests
        if changed := changed_images(known, digests, trial.config.data):
            raise DataError(
                f"trial {trial.number}: its {changed} have changed since it was stopped; put them "
                f"back to go on with it, or delete {self._checkpoints.folder} to begin anew"
            )
        return digests

    def _handle(self, running: _RunningTrial, event: WorkerEvent) -> None:
        match event:
            case EpochRecord():
                self._epoch(running, event)
            case TrainResult():
                self._end(running, "complete", result=event)
            case StateFetched(state):
                running.saved, running.saved_at = state, time.monotonic()
                self._save(running, state)
            case TrainingFailed(kind, detail):
                self._end(running, "failed", reason=f"{kind}: {detail}")
            case WorkerLost():
                self._requeue(running, event)
            case EnvironmentFault(kind, detail):
                raise self._fault(running, f"{kind}: {detail}")

    def _epoch(self, running: _RunningTrial, record: EpochRecord) -> None:
        trial = running.trial
        # After a worker was lost some epochs are trained again, to the same figures.
        is_new = record.epoch > len(running.records)
        if record.epoch == 1 and (reason := self._trials.broken_limit(trial, [record])):
            running.records = [record]
            self._end(running, "infeasible", reason=reason)
            return
        if is_new:
            running.worker_losses = 0  # it goes on, whatever its workers do
            self._report(running, record)
        if record.epoch == trial.config.training.epochs:
            self._workers.finish(trial.number)
        elif is_new and trial.prunable and self._trials.should_prune(trial, record.epoch):
            self._end(running, "pruned")
        else:
            self._workers.advance(trial.number)
            if time.monotonic() - running.saved_at > SECONDS_BETWEEN_SAVES:
                running.saved_at = time.monotonic()
                self._workers.save(trial.number)

    def _report(self, running: _RunningTrial, record: EpochRecord) -> None:
        running.records.append(record)
        for callback in self._callbacks:
            callback.on_epoch_end(running.trial, record)
        best = best_of(running.records, running.trial.config.training.monitor)
        self._trials.report(running.trial, best, record.epoch)

    def _requeue(self, running: _RunningTrial, lost: WorkerLost) -> None:
        """Queue a trial that lost its worker again, or fail it if its retries are used up."""
        running.worker_losses += lost.is_counted
        if running.worker_losses > self._retries:
            earlier = running.worker_losses - 1
            times = f", as in {many(earlier, 'attempt')} before" if earlier else ""
            reason = f"{lost.kind}: {lost.detail}{times}"
            if not lost.is_own:
                raise self._fault(running, reason)
            self._end(running, "failed", reason=reason)
            return
        number = running.trial.number
        self._workers.drop(number)
        self._requeued.append(self._running.pop(number))
        epoch = running.saved.epoch if running.saved else 0
        self._message(f"trial {number}: {lost.detail}; it goes on after epoch {epoch}")

    def _fault(self, running: _RunningTrial, reason: str) -> FaultError:
        """Error that ends the command for a fault of the machine; the trial can be resumed."""
        return FaultError(
            f"trial {running.trial.number}: {reason}; when that is mended, the same command goes on"
        )

    def _end(
        self,
        running: _RunningTrial,
        state: FinalState,
        result: TrainResult | None = None,
        reason: str | None = None,
    ) -> None:
        trial, records = running.trial, tuple(running.records)
        best = best_of(records, trial.config.training.monitor) if records else None
        outcome = TrialOutcome(state, records, best, result, reason)
        if trial.number in self._running:
            self._workers.drop(trial.number)
            del self._running[trial.number]
        # Saved before anybody is told: whoever is not told before a crash is told after it.
        self._checkpoints.save_outcome(trial.number, outcome, running.data)
        self._trials.finish(trial, outcome)
        for callback in self._callbacks:
            callback.on_trial_end(trial, outcome)

    def _message(self, text: str) -> None:
        for callback in self._callbacks:
            callback.on_message(text)

    def _save(self, running: _RunningTrial, state: TrainingState) -> None:
        number = running.trial.number
        try:
            self._checkpoints.save_state(number, state, running.data)
        except StoreError as error:  # the training itself can go on
            self._message(f"trial {number}: its state could not be saved: {error}")

    def _save_all(self) -> None:
        waiting = set(self._running)
        for number in waiting:
            self._workers.save(number)
        deadline = time.monotonic() + SECONDS_TO_SAVE
        while waiting and (left := deadline - time.monotonic()) > 0:
            match self._workers.next(left):
                case number, StateFetched(state):
                    self._save(self._running[number], state)
                    waiting.discard(number)
                case number, WorkerLost() | TrainingFailed() | EnvironmentFault():
                    self._workers.drop(number)  # until then it is told again and again
                    waiting.discard(number)
