"""Trainings in the slots of a Dask cluster.

A training lives in one slot and each of its epochs is a task there. The state stays in the process
that made it; what travels is the small record, and now and then the state, to be saved.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError

from mnist_seq.config import Config, WorkersConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.errors import NotFiniteError
from mnist_seq.records import (
    EpochRecord,
    Failed,
    Outcome,
    Saved,
    State,
    TrainResult,
    WorkerLost,
)
from mnist_seq.slots import SECONDS_BETWEEN_LOOKS, Slots

SECONDS_TO_FETCH = 30.0


@dataclass(frozen=True)
class Steps:
    """What runs on the workers; each function must be importable there."""

    warm_up: Callable[[], None]
    begin: Callable[[Config, Dataset], State]
    advance: Callable[[Config, Dataset, State], tuple[EpochRecord, State]]
    finish: Callable[[Config, Dataset, State], TrainResult]


@dataclass
class _Training:
    config: Config
    data: Future
    slot: str
    state: Future | State | None = None
    next_state: Future | None = None
    awaited: Future | None = None
    asked: float = field(default_factory=time.monotonic)


class Workers:
    """Slots on a Dask cluster, each for one training at a time.

    A training is named by a number of the caller's choice, from `start` to `drop`.
    """

    def __init__(self, client: Client, steps: Steps, config: WorkersConfig) -> None:
        self._client = client
        self._steps = steps
        self._config = config
        self._slots = Slots(client, steps.warm_up)
        self._slots.look()  # they load their libraries from now on, while others are loaded here
        self._trainings: dict[int, _Training] = {}
        self._data: dict[str, Future] = {}
        self._events: queue.SimpleQueue[tuple[int, Future | Saved]] = queue.SimpleQueue()

    @property
    def free(self) -> int:
        """How many trainings could be started now, in processes that have their libraries."""
        self._slots.look()
        return len(self._idle())

    def start(self, number: int, config: Config, data: Dataset, state: State | None = None) -> None:
        """Take a free slot for a training, at its beginning or at a saved state."""
        slot = min(self._idle())
        training = _Training(config, self._on_workers(data), slot, state)
        self._trainings[number] = training
        if state is None:
            training.state = self._submit(training, self._steps.begin)

    def advance(self, number: int) -> None:
        """Train for one more epoch."""
        training = self._trainings[number]
        both = self._submit(training, self._steps.advance, training.state)
        training.next_state = self._client.submit(_state, both, workers=[training.slot])
        self._await(number, self._client.submit(_record, both, workers=[training.slot]))

    def finish(self, number: int) -> None:
        """Ask for the result of a training that shall not go on."""
        training = self._trainings[number]
        self._await(number, self._submit(training, self._steps.finish, training.state))

    def save(self, number: int) -> None:
        """Ask for the state after the last epoch heard of; the training goes on meanwhile."""
        state = self._trainings[number].state

        def fetch() -> None:
            # A state whose worker is lost is not saved; that it is lost is heard elsewhere.
            with contextlib.suppress(Exception):
                fetched = self._client.gather(state)
                self._events.put((number, Saved(fetched)))

        threading.Thread(target=fetch, daemon=True).start()

    def drop(self, number: int) -> None:
        """Forget a training; its slot is free, or its process replaced if it has grown large."""
        training = self._trainings.pop(number)
        if training.awaited is not None and not training.awaited.done():
            training.awaited.cancel(force=True)
        self._slots.stop_if_large(training.slot)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Result of a function that needs a worker's libraries, as soon as a slot is free."""
        while not self.free:
            time.sleep(0.1)
        slot = min(self._idle())
        return self._client.submit(function, *arguments, workers=[slot], pure=False).result()

    def next(self, timeout: float) -> tuple[int, Outcome] | None:
        """Whatever happens next to a training, or None if nothing does for `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            self._slots.look()
            for number, training in self._trainings.items():
                if training.slot not in self._slots.present:
                    return number, self._loss(training.slot)
                if time.monotonic() - training.asked > self._config.epoch_timeout:
                    return number, self._stop_hanging(training.slot)
            wait = min(max(deadline - time.monotonic(), 0.0), SECONDS_BETWEEN_LOOKS)
            try:
                number, event = self._events.get(timeout=wait)
            except queue.Empty:
                if time.monotonic() >= deadline:
                    return None
                continue
            if number not in self._trainings:
                continue
            if isinstance(event, Saved):
                return number, event
            if event is self._trainings[number].awaited:
                return number, self._outcome(self._trainings[number], event)

    def _outcome(self, training: _Training, done: Future) -> Outcome:
        try:
            result: EpochRecord | TrainResult = done.result(timeout=SECONDS_TO_FETCH)
        except NotFiniteError as error:
            return Failed("not finite", str(error))
        except (KilledWorker, FutureCancelledError):
            return self._loss(training.slot)
        except Exception as error:  # whatever a training raises costs that training alone
            if not done.done():  # it was; then its process died, and Dask would wait for another
                return self._loss(training.slot)
            return Failed(type(error).__name__, " ".join(str(error).split())[:500])
        if isinstance(result, EpochRecord):
            training.state, training.next_state = training.next_state, None
        return result

    def _loss(self, slot: str) -> WorkerLost | Failed:
        held = self._slots.lost(slot)
        if held is not None:
            used = f"{held / 2**30:.1f} GiB"
            limit = self._config.memory_gib
            share = f"{limit:g} GiB (workers.memory_gib)" if limit else "its share of the machine"
            return Failed("out of memory", f"the process used {used} of {share}")
        return WorkerLost("worker died", f"the worker at {slot} died")

    def _stop_hanging(self, slot: str) -> WorkerLost:
        self._slots.stop(slot)
        return WorkerLost("hang", f"no epoch within {self._config.epoch_timeout:g} s")

    def _submit(self, training: _Training, step: Callable[..., Any], *arguments: Any) -> Future:
        return self._client.submit(
            step, training.config, training.data, *arguments, workers=[training.slot], pure=False
        )

    def _await(self, number: int, future: Future) -> None:
        self._trainings[number].awaited = future
        self._trainings[number].asked = time.monotonic()
        future.add_done_callback(lambda done: self._events.put((number, done)))

    def _on_workers(self, data: Dataset) -> Future:
        kept = self._data.get(data.digest)
        if kept is None or kept.status != "finished":  # lost with the last process that held it
            self._data[data.digest] = self._client.scatter(data, broadcast=True, hash=False)
        return self._data[data.digest]

    def _idle(self) -> set[str]:
        busy = {training.slot for training in self._trainings.values()}
        return self._slots.ready() - busy


def _record(both: tuple[EpochRecord, State]) -> EpochRecord:
    return both[0]


def _state(both: tuple[EpochRecord, State]) -> State:
    return both[1]
