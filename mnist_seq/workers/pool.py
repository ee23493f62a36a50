"""Run trainings on a Dask cluster, one per worker process (slot).

A training lives in one slot and each of its epochs is a task there. The state stays in the process
that made it; what travels is the small record, and now and then the state, to be saved.
"""

import contextlib
import errno
import functools
import itertools
import os
import queue
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker
from distributed.client import ClosedClientError, FutureCancelledError

from mnist_seq.config.settings import Config, WorkersConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.data.listed import many
from mnist_seq.errors import FaultError, NotFiniteError, StoppedError, is_environmental
from mnist_seq.invocation import command_text
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
from mnist_seq.workers.fetch import fetch
from mnist_seq.workers.fingerprint import Fingerprint
from mnist_seq.workers.selection import Selection
from mnist_seq.workers.slots import SECONDS_BETWEEN_REFRESHES, Slots
from mnist_seq.workers.starts import Starts
from mnist_seq.workers.tasks import (
    DataKey,
    DatasetMissingError,
    TrainingFunctions,
    epoch_record,
    epoch_state,
    hold,
    key_of,
    prepare,
    run_step,
)
from mnist_seq.workers.waiting import Waiting

SECONDS_TO_FETCH = 30.0
SECONDS_TO_CLOSE = 5.0
# Between two looks at the events. More says that this process was stopped, and did not wait.
SECONDS_AWAKE = 120.0
# A step of the clock by more than this is noticed: Dask holds messages back for as long.
SECONDS_BACK = 1.0
ATTEMPTS_TO_CALL = 3
# Sources that every installation has. Digits take scikit-learn to read, which a local process is
# better without.
READ_ON_A_CLUSTER, READ_HERE = frozenset({"mnist", "digits"}), frozenset({"mnist"})


@dataclass
class _Training:
    config: Config
    data: Dataset
    slot: str
    generation: int
    saved: TrainingState | None
    state: Future | TrainingState | None
    next_state: Future | None = None
    sent: Future | None = None  # while its dataset is on the way to its slot
    request: "Callable[[int, _Training], None] | None" = None  # what was asked for last
    awaited: Future | None = None
    start: int = -1  # by which the tasks asked for last tell that they start


class Workers:
    """Slots on a Dask cluster, each for one training at a time.

    A training is named by a number of the caller's choice, from `start` to `drop`.

    Parameters
    ----------
    crash_notes : Path or None
        Where local processes note that they crash; None if they are elsewhere.
    selection : Selection or None
        Which processes of a cluster may train; None for local ones.
    say : callable
        Told what the user should know of a cluster.
    """

    def __init__(
        self,
        client: Client,
        functions: TrainingFunctions,
        config: WorkersConfig,
        crash_notes: Path | None = None,
        selection: Selection | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._functions = functions
        self._selection = selection
        self._config = config
        self._reads = READ_HERE if selection is None else READ_ON_A_CLUSTER
        self._starts, self._next_start = Starts(), itertools.count()
        self._waiting = Waiting(say)
        warm_up = functions.warm_up
        if selection is not None:
            warm_up = functools.partial(prepare, functions, self._starts.topic)
        self._slots = Slots(
            client, warm_up, self._starts, config.connect_timeout, crash_notes, selection, say
        )
        self._slots.refresh()  # they load their libraries from now on, while others are loaded here
        self._trainings: dict[int, _Training] = {}
        self._holding: set[tuple[str, int, DataKey]] = set()
        self._looked = time.monotonic()
        self._clock = _clock()
        self._replaced: set[str] = set()  # slots, because the clock was set back
        # A training's number; what the news is of: a task, or the training as a whole; the news.
        self._events: queue.SimpleQueue[tuple[int, Future | _Training, object]] = (
            queue.SimpleQueue()
        )

    @property
    def fingerprint(self) -> Fingerprint | None:
        """What a cluster's workers compute with; None while that is not known, and of local ones.

        Raises
        ------
        FaultError
            If no worker of the cluster can be used.
        """
        if self._selection is None:
            return None
        if self._selection.reference is None:
            self._slots.refresh()
            self._slots.ready()
            self._waiting.look(self._why_nothing_moves())
        return self._selection.reference

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
        self._replaced.discard(slot)
        generation = self._slots.generation(slot)
        training = _Training(config, data, slot, generation, state, state)
        self._trainings[number] = training
        is_held = (slot, generation, key_of(data)) in self._holding
        if not is_held and config.data.source not in self._reads:
            self._send(number, training)

    def advance(self, number: int) -> None:
        """Submit one more epoch of a training; `next` returns its record."""
        self._ask(number, self._submit_epoch)

    def finish(self, number: int) -> None:
        """Request the final result of a training; `next` returns it."""
        self._ask(number, self._submit_finish)

    def save(self, number: int) -> None:
        """Fetch a training's latest state in the background; `next` returns it."""
        training = self._trainings[number]
        state = training.state
        if isinstance(state, TrainingState):
            self._events.put((number, training, StateFetched(state)))
        elif state is not None:

            def deliver(result: object) -> None:
                # A state whose worker is lost is not saved; the loss is an event of its own.
                if isinstance(result, TrainingState):
                    self._events.put((number, training, StateFetched(result)))

            fetch(state, deliver, SECONDS_TO_FETCH)

    def drop(self, number: int) -> None:
        """Cancel a training and free its slot; kill a local process that uses too much memory."""
        training = self._trainings.pop(number)
        self._starts.forget(training.start)
        for task in (training.awaited, training.sent):
            if task is not None and not task.done():
                with contextlib.suppress(ClosedClientError):
                    task.cancel(force=True)
        self._slots.stop_if_large(training.slot)

    def call(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> Any:
        """Run a function on a worker as soon as a slot is free, and return its result.

        Raises
        ------
        StoppedError
            If the user stopped the command before a slot was free.
        FaultError
            If one worker after the other was lost meanwhile.
        """
        for _ in range(ATTEMPTS_TO_CALL):
            while not self.free:
                if is_stopped():
                    raise StoppedError
                self._waiting.look(self._why_nothing_moves())
                time.sleep(0.1)
            slot = min(self._idle())
            generation = self._slots.generation(slot)
            done = self._client.submit(function, *arguments, workers=[slot], pure=False)
            while not done.done() and self._slots.is_there(slot, generation):
                time.sleep(0.05)
                self._slots.refresh()
            try:
                if done.done():
                    return done.result(timeout=SECONDS_TO_FETCH)
            except Exception as error:
                if not _is_loss(done, error):
                    raise
            self._slots.remove(slot)
        raise FaultError("the workers are lost one after the other; the same command goes on")

    def next(self, timeout: float) -> tuple[int, WorkerEvent] | None:
        """The next event of any training, or None if there is none for `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            self._slots.refresh()
            self._leave_out_sleep()
            self._follow_clock()
            for number, training in self._trainings.items():
                if not self._slots.is_there(training.slot, training.generation):
                    return number, self._worker_lost(training)
                started = self._starts.at(training.start)
                if started and time.monotonic() - started > self._config.epoch_timeout:
                    return number, self._stop_hanging(training)
            self._waiting.look(self._why_nothing_moves())
            wait = min(max(deadline - time.monotonic(), 0.0), SECONDS_BETWEEN_REFRESHES)
            try:
                number, source, news = self._events.get(timeout=wait)
            except queue.Empty:
                if time.monotonic() >= deadline:
                    return None
                continue
            if (event := self._event(number, source, news)) is not None:
                return number, event

    def _why_nothing_moves(self) -> str | None:
        """What a cluster's user should know while no training goes on; None if one does."""
        if self._selection is None:
            return None
        if not self._slots.present:
            joining = command_text("worker", str(self._config.scheduler))
            return f"no workers; on each machine that is to train: {joining}"
        trainings = self._trainings.values()
        if any(self._starts.at(training.start) is not None for training in trainings):
            return None
        if any(training.sent is not None for training in trainings):
            return "the images are on their way to the workers"
        if not trainings and self._idle():
            return None
        count = self._slots.loading
        if not trainings and count:
            return f"{many(count, 'worker')} loading their libraries"
        present = many(len(self._slots.present), "worker")
        if not trainings and not self._slots.ready():
            return f"no worker that can be used; left out: {present}"
        return f"all busy: {present} at other work"

    def _leave_out_sleep(self) -> None:
        """Leave out pauses of this process or machine, so that no training seems to hang."""
        now = time.monotonic()
        if now - self._looked > SECONDS_AWAKE:
            self._starts.leave_out(now - self._looked)
        self._looked = now

    def _follow_clock(self) -> None:
        """Renew all connections if the clock was set back.

        On each, Dask may wait for the old time to come again before it sends what is queued.
        """
        before, self._clock = self._clock, _clock()
        if self._clock > before - SECONDS_BACK:
            return
        earlier, address = self._client, self._client.scheduler.address
        wait = self._config.connect_timeout
        try:
            self._client = Client(address, security=earlier.security, timeout=wait)
        except OSError as error:
            raise FaultError(
                f"{address} does not answer since the clock was set back; the same command goes on"
            ) from error
        earlier.close()
        self._replaced |= self._slots.present
        self._slots.renew(self._client)

    def close(self) -> None:
        """Close the connection to the cluster."""
        with contextlib.suppress(TimeoutError):  # of one that is cut
            self._client.close(timeout=SECONDS_TO_CLOSE)

    def _ask(self, number: int, request: Callable[[int, _Training], None]) -> None:
        training = self._trainings[number]
        training.request = request
        if training.sent is None:
            self._submit_request(number, training)

    def _submit_request(self, number: int, training: _Training) -> None:
        assert training.request is not None
        self._starts.forget(training.start)
        training.start = next(self._next_start)
        try:
            if training.state is None:
                training.state = self._submit(training, self._functions.begin)
            training.request(number, training)
        except (FutureCancelledError, ClosedClientError) as error:  # lost with the scheduler
            self._events.put((number, training, error))

    def _submit_epoch(self, number: int, training: _Training) -> None:
        both = self._submit(training, self._functions.advance, training.state)
        training.next_state = self._client.submit(epoch_state, both, workers=[training.slot])
        training.awaited = self._client.submit(epoch_record, both, workers=[training.slot])
        self._await(number, training.awaited)

    def _submit_finish(self, number: int, training: _Training) -> None:
        training.awaited = self._submit(training, self._functions.finish, training.state)
        self._await(number, training.awaited)

    def _send(self, number: int, training: _Training) -> None:
        """Send a training's dataset to its process; what is asked for meanwhile waits for it."""
        training.sent = self._client.submit(
            hold, training.data, workers=[training.slot], pure=False
        )
        self._await(number, training.sent)

    def _submit(self, training: _Training, step: Callable[..., Any], *arguments: Any) -> Future:
        return self._client.submit(
            run_step,
            step,
            training.config,
            key_of(training.data),
            self._starts.topic,
            training.start,
            training.config.data.source in self._reads,
            *arguments,
            workers=[training.slot],
            pure=False,
        )

    def _await(self, number: int, task: Future) -> None:
        def deliver(result: object) -> None:
            self._events.put((number, task, result))

        task.add_done_callback(lambda done: fetch(done, deliver, SECONDS_TO_FETCH))

    def _event(self, number: int, source: Future | _Training, news: object) -> WorkerEvent | None:
        """Convert internal news to the event for the driver; None if it need not know."""
        training = self._trainings.get(number)
        if training is None:
            return None
        if source is training:
            return news if isinstance(news, StateFetched) else self._worker_lost(training)
        if source is training.sent:
            return self._sent(number, training, training.sent, news)
        if source is not training.awaited or training.awaited is None:
            return None
        if isinstance(news, DatasetMissingError):
            if isinstance(training.state, Future) and training.state.status == "error":
                training.state = training.saved
            self._send(number, training)
            return None
        if isinstance(news, Exception):
            return self._failure(training, training.awaited, news)
        if isinstance(news, EpochRecord):
            training.state, training.next_state = training.next_state, None
        assert isinstance(news, EpochRecord | TrainResult)
        return news

    def _sent(
        self, number: int, training: _Training, done: Future, news: object
    ) -> WorkerEvent | None:
        training.sent = None
        if isinstance(news, Exception):
            return self._failure(training, done, news)
        self._holding.add((training.slot, training.generation, key_of(training.data)))
        if training.request is not None:
            self._submit_request(number, training)
        return None

    def _failure(self, training: _Training, done: Future, error: Exception) -> WorkerEvent:
        if _is_loss(done, error):
            return self._worker_lost(training, is_dead=isinstance(error, KilledWorker))
        if isinstance(error, NotFiniteError):
            return TrainingFailed("not finite", str(error))
        # Whatever else a training raises costs that training alone.
        not_loaded = self._slots.load_error(training.slot)
        cause = not_loaded or error
        kind, detail = type(cause).__name__, " ".join(str(cause).split())[:500]
        if not_loaded or is_environmental(kind, detail, cause):
            return EnvironmentFault(kind, detail + self._place(training.slot, detail))
        return TrainingFailed(kind, detail)

    def _worker_lost(
        self, training: _Training, *, is_dead: bool = False
    ) -> WorkerLost | TrainingFailed:
        lost = self._slots.remove(training.slot, training.generation, is_dead=is_dead)
        if training.slot in self._replaced:
            return WorkerLost("clock", "the clock was set back, and its worker was replaced")
        if isinstance(lost, WorkerLost):
            return lost
        limit = self._config.memory_gib
        share = f"{limit:g} GiB (workers.memory_gib)" if limit else "its share of the machine"
        return TrainingFailed(
            "out of memory", f"the process used {lost / 2**30:.1f} GiB of {share}"
        )

    def _place(self, slot: str, detail: str) -> str:
        """Name the folder whose disk is full, for an error that does not name it."""
        if os.strerror(errno.ENOSPC) not in detail or "/" in detail:
            return ""
        if self._config.scheduler is not None:
            return f" (the temporary folder of the worker at {slot})"
        return f" (temporary files are in {tempfile.gettempdir()})"

    def _stop_hanging(self, training: _Training) -> WorkerLost:
        self._slots.stop(training.slot)
        return WorkerLost("hang", f"no epoch within {self._config.epoch_timeout:g} s", is_own=True)

    def _idle(self) -> set[str]:
        busy = {training.slot for training in self._trainings.values()}
        return self._slots.ready() - busy


def _clock() -> float:
    """Seconds by which the wall clock, which can be set, is ahead of the monotonic one."""
    return time.time() - time.monotonic()


def _is_loss(done: Future, error: Exception) -> bool:
    """Whether a task's worker is lost, or the connection to it, and the task has not failed."""
    return done.status != "error" or isinstance(error, KilledWorker)
