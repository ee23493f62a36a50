"""Run trainings on a Dask cluster, one per worker process (slot).

A training lives in one slot and each of its epochs is a task there. The state stays in the process
that made it; what travels is the small record, and now and then the state, to be saved.
"""

import contextlib
import errno
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError

from mnist_seq.config import Config, WorkersConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.errors import NotFiniteError, is_environmental
from mnist_seq.records import (
    EnvironmentFault,
    EpochRecord,
    StateFetched,
    TrainingFailed,
    TrainingState,
    TrainResult,
    WorkerEvent,
    WorkerLost,
)
from mnist_seq.workers.fingerprint import Fingerprint
from mnist_seq.workers.selection import Selection
from mnist_seq.workers.slots import SECONDS_BETWEEN_REFRESHES, Slots, scheduler_of

SECONDS_TO_FETCH = 30.0
# Between two looks at the events. More says that this process was stopped, and did not wait.
SECONDS_AWAKE = 120.0
# A step of the clock by more than this is noticed: Dask holds messages back for as long.
SECONDS_BACK = 1.0


@dataclass(frozen=True)
class TrainingFunctions:
    """The functions that run on the workers; each must be importable there."""

    warm_up: Callable[[], object]
    begin: Callable[[Config, Dataset], TrainingState]
    advance: Callable[[Config, Dataset, TrainingState], tuple[EpochRecord, TrainingState]]
    finish: Callable[[Config, Dataset, TrainingState], TrainResult]


@dataclass
class _Training:
    config: Config
    data: Future
    slot: str
    state: Future | TrainingState | None = None
    next_state: Future | None = None
    awaited: Future | None = None
    asked: float = field(default_factory=time.monotonic)


class Workers:
    """Slots on a Dask cluster, each for one training at a time.

    A training is named by a number of the caller's choice, from `start` to `drop`.
    """

    def __init__(
        self,
        client: Client,
        functions: TrainingFunctions,
        config: WorkersConfig,
        crash_notes: Path | None = None,
        selection: Selection | None = None,
    ) -> None:
        self._client = client
        self._functions = functions
        self._selection = selection
        self._config = config
        self._slots = Slots(client, functions.warm_up, crash_notes, selection)
        self._slots.refresh()  # they load their libraries from now on, while others are loaded here
        self._trainings: dict[int, _Training] = {}
        self._data: dict[tuple[object, ...], Future] = {}
        self._looked = time.monotonic()
        self._clock = _clock()
        self._replaced: set[str] = set()  # slots, because the clock was set back
        self._events: queue.SimpleQueue[tuple[int, Future | StateFetched]] = queue.SimpleQueue()

    @property
    def fingerprint(self) -> Fingerprint | None:
        """What a cluster's workers compute with; None while that is not known, and of local ones.

        Raises
        ------
        FaultError
            If no worker of the cluster can be used.
        """
        if self._selection is not None and self._selection.reference is None:
            self._slots.refresh()
            self._slots.ready()
        return self._selection.reference if self._selection else None

    @property
    def waiting_for(self) -> str:
        """Why no training can begin yet, for the user."""
        count = len(self._slots.present)
        if not count:
            return f"no worker has joined the scheduler at {self._config.scheduler}"
        return f"{count} worker(s) are loading their libraries, or busy with other work"

    @property
    def free(self) -> int:
        """Number of idle slots whose processes have loaded their libraries."""
        self._slots.refresh()
        return len(self._idle())

    def start(
        self, number: int, config: Config, data: Dataset, state: TrainingState | None = None
    ) -> None:
        """Assign a training to a free slot, from its beginning or from a saved state."""
        slot = min(self._idle())
        training = _Training(config, self._on_workers(data), slot, state)
        self._trainings[number] = training
        if state is None:
            training.state = self._submit(training, self._functions.begin)

    def advance(self, number: int) -> None:
        """Submit one more epoch of a training; `next` returns its record."""
        training = self._trainings[number]
        both = self._submit(training, self._functions.advance, training.state)
        training.next_state = self._client.submit(_state, both, workers=[training.slot])
        self._await(number, self._client.submit(_record, both, workers=[training.slot]))

    def finish(self, number: int) -> None:
        """Request the final result of a training; `next` returns it."""
        training = self._trainings[number]
        self._await(number, self._submit(training, self._functions.finish, training.state))

    def save(self, number: int) -> None:
        """Fetch a training's latest state in the background; `next` returns it."""
        state = self._trainings[number].state

        def fetch() -> None:
            # A state whose worker is lost is not saved; the loss is an event of its own.
            with contextlib.suppress(Exception):
                fetched = self._client.gather(state)
                self._events.put((number, StateFetched(fetched)))

        threading.Thread(target=fetch, daemon=True).start()

    def drop(self, number: int) -> None:
        """Cancel a training and free its slot; kill the process if it uses too much memory."""
        training = self._trainings.pop(number)
        if training.awaited is not None and not training.awaited.done():
            training.awaited.cancel(force=True)
        self._slots.stop_if_large(training.slot)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function on a worker as soon as a slot is free, and return its result."""
        while not self.free:
            time.sleep(0.1)
        slot = min(self._idle())
        return self._client.submit(function, *arguments, workers=[slot], pure=False).result()

    def next(self, timeout: float) -> tuple[int, WorkerEvent] | None:
        """The next event of any training, or None if there is none for `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            self._slots.refresh()
            self._leave_out_sleep()
            self._follow_clock()
            for number, training in self._trainings.items():
                if training.slot not in self._slots.present:
                    return number, self._worker_lost(training.slot)
                if time.monotonic() - training.asked > self._config.epoch_timeout:
                    return number, self._stop_hanging(training.slot)
            wait = min(max(deadline - time.monotonic(), 0.0), SECONDS_BETWEEN_REFRESHES)
            try:
                number, event = self._events.get(timeout=wait)
            except queue.Empty:
                if time.monotonic() >= deadline:
                    return None
                continue
            if number not in self._trainings:
                continue
            if isinstance(event, StateFetched):
                return number, event
            if event is self._trainings[number].awaited:
                return number, self._event(self._trainings[number], event)

    def _leave_out_sleep(self) -> None:
        """Let no training seem to hang because this process, or the machine, was stopped."""
        now = time.monotonic()
        if now - self._looked > SECONDS_AWAKE:
            for training in self._trainings.values():
                training.asked += now - self._looked
        self._looked = now

    def _follow_clock(self) -> None:
        """Renew all connections if the clock was set back.

        On each, Dask may wait for the old time to come again before it sends what is queued.
        """
        before, self._clock = self._clock, _clock()
        if self._clock > before - SECONDS_BACK:
            return
        address, security = self._client.scheduler.address, self._client.security
        self._client.close()
        self._client = Client(address, security=security)
        self._data = {}
        self._replaced |= self._slots.present
        self._slots.renew(self._client)

    def close(self) -> None:
        """Close the connection to the cluster."""
        self._client.close()

    def _event(self, training: _Training, done: Future) -> WorkerEvent:
        try:
            result: EpochRecord | TrainResult = done.result(timeout=SECONDS_TO_FETCH)
        except NotFiniteError as error:
            return TrainingFailed("not finite", str(error))
        except (KilledWorker, FutureCancelledError):
            return self._worker_lost(training.slot)
        except Exception as error:  # whatever else a training raises costs that training alone
            if not done.done():  # it was; then its process died, and Dask would wait for another
                return self._worker_lost(training.slot)
            not_loaded = self._slots.load_error(training.slot)
            cause = not_loaded or error
            kind, detail = type(cause).__name__, " ".join(str(cause).split())[:500]
            if not_loaded or is_environmental(kind, detail, cause):
                return EnvironmentFault(kind, detail + self._place(training.slot, detail))
            return TrainingFailed(kind, detail)
        if isinstance(result, EpochRecord):
            training.state, training.next_state = training.next_state, None
        return result

    def _worker_lost(self, slot: str) -> WorkerLost | TrainingFailed:
        lost = self._slots.remove(slot)
        if slot in self._replaced:
            return WorkerLost("clock", "the clock was set back, and its worker was replaced")
        if isinstance(lost, WorkerLost):
            return lost
        limit = self._config.memory_gib
        share = f"{limit:g} GiB (workers.memory_gib)" if limit else "its share of the machine"
        return TrainingFailed(
            "out of memory", f"the process used {lost / 2**30:.1f} GiB of {share}"
        )

    def _place(self, slot: str, detail: str) -> str:
        """Where a disk is full, if the system does not say it."""
        if os.strerror(errno.ENOSPC) not in detail or "/" in detail:
            return ""
        if self._config.scheduler is not None:
            return f" (the temporary folder of the worker at {slot})"
        return f" (temporary files are in {tempfile.gettempdir()})"

    def _stop_hanging(self, slot: str) -> WorkerLost:
        self._slots.stop(slot)
        return WorkerLost("hang", f"no epoch within {self._config.epoch_timeout:g} s", is_own=True)

    def _submit(self, training: _Training, step: Callable[..., Any], *arguments: Any) -> Future:
        return self._client.submit(
            step, training.config, training.data, *arguments, workers=[training.slot], pure=False
        )

    def _await(self, number: int, future: Future) -> None:
        self._trainings[number].awaited = future
        self._trainings[number].asked = time.monotonic()
        future.add_done_callback(lambda done: self._events.put((number, done)))

    def _on_workers(self, data: Dataset) -> Future:
        key = data.digest, data.pixel_format
        kept = self._data.get(key)
        if kept is None or kept.status != "finished":  # lost with the last process that held it
            with scheduler_of(self._client):
                self._data[key] = self._client.scatter(data, broadcast=True, hash=False)
        return self._data[key]

    def _idle(self) -> set[str]:
        busy = {training.slot for training in self._trainings.values()}
        return self._slots.ready() - busy


def _clock() -> float:
    """Seconds by which the clock is ahead of one that is never set."""
    return time.time() - time.monotonic()


def _record(both: tuple[EpochRecord, TrainingState]) -> EpochRecord:
    return both[0]


def _state(both: tuple[EpochRecord, TrainingState]) -> TrainingState:
    return both[1]
