"""Track which worker processes of a Dask cluster are alive, ready or to be replaced.

A slot is a single-threaded process of a Dask cluster, named by its address. The process that a
nanny starts in place of another has an address of its own.
"""

import contextlib
import math
import os
import queue
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker, Nanny
from distributed.client import ClosedClientError

from mnist_seq.errors import WORKER_DIED, FaultError
from mnist_seq.records import WorkerLost
from mnist_seq.workers import tasks
from mnist_seq.workers.deaths import KernelKills, crash
from mnist_seq.workers.fetch import fetch
from mnist_seq.workers.fingerprint import Fingerprint
from mnist_seq.workers.selection import Answer, Selection
from mnist_seq.workers.starts import Starts

SECONDS_BETWEEN_REFRESHES = 1.0
# XLA keeps every program it has compiled, 20 to 30 MiB each, for as long as the process lives. One
# that has grown so many times since its first training, some ten shapes, is replaced between
# two trainings; so is one that holds such a share of its limit.
GROWN = 1.6
FULL = 0.6
# A process in which an import broke off fails everything it is given, for as long as it lives.
# Where a third one cannot load them, the libraries are wrong, and the session ends with that.
ATTEMPTS_TO_LOAD = 3
SECONDS_TO_ANSWER = 10.0


class Slots:
    """The worker processes (slots) of a Dask cluster and their state.

    Attributes
    ----------
    present : set of str
        Those that were alive at the last refresh.

    Parameters
    ----------
    starts : Starts
        Told when tasks start.
    seconds : float
        In which the scheduler must answer.
    crash_notes : Path or None
        Where local processes note that they crash; None if they are elsewhere.
    selection : Selection or None
        Which processes of a cluster may train, by what `warm_up` returns; None for local ones.
    say : callable
        Told what the user should know of a cluster.
    """

    def __init__(
        self,
        client: Client,
        warm_up: Callable[[], object],
        starts: Starts,
        seconds: float,
        crash_notes: Path | None = None,
        selection: Selection | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.present: set[str] = set()
        self._crash_notes = crash_notes
        self._kernel_kills = KernelKills()
        self._client, self._address = client, client.scheduler.address
        self._seconds, self._say = seconds, say
        self._selection = selection
        self._starts = starts
        self._answers: dict[str, Answer] = {}
        self._arrived: queue.SimpleQueue[tuple[str, Future, object]] = queue.SimpleQueue()
        self._warm_up = warm_up
        self._warm_ups: dict[str, Future] = {}
        self._failed_to_load: Counter[str] = Counter()  # processes of each nanny
        self._stopped: set[str] = set()  # the scheduler may list one for a moment yet
        self._known: dict[str, dict[str, Any]] = {}
        self._scheduler: str | None = None  # its own name, new with each of its processes
        self._generations: Counter[str] = Counter()
        self._orphans: set[str] = set()  # they were lost with a scheduler
        self._with_threads: set[str] = set()
        self._first: dict[str, int] = {}  # bytes of a process after its first training
        self._too_large: dict[str, int] = {}  # bytes of processes that were stopped for them
        self._last_refresh = 0.0
        self._gone: FaultError | None = None
        self._subscribe()

    def renew(self, client: Client) -> None:
        """Replace all processes that are our own, and the connection to all."""
        self._client, self._warm_ups = client, {}
        self._subscribe()
        for slot in list(self.present):
            self.stop(slot)

    def refresh(self) -> None:
        """Ask the scheduler which slots there are, at most once a second.

        Raises
        ------
        FaultError
            If it does not answer any more.
        """
        if self.present and time.monotonic() - self._last_refresh <= SECONDS_BETWEEN_REFRESHES:
            return
        with self._scheduler_there():
            # Not `scheduler_info`: every other second the client forgets its workers for a moment.
            answer = self._client.sync(
                self._client.scheduler.identity, n_workers=-1, callback_timeout=self._seconds
            )
            self._note_known(answer)
            self._warm_ups = {slot: self._warmed_up(slot) for slot in self.present}
        for slot in list(filter(self._is_broken, self.present)):
            self._failed_to_load[self._known[slot]["nanny"]] += 1
            self.stop(slot)
        self._kernel_kills.look()
        self._last_refresh = time.monotonic()

    def generation(self, slot: str) -> int:
        """Count of the processes that have had this address, one after the other, up to now."""
        return self._generations[slot]

    def is_there(self, slot: str, generation: int) -> bool:
        """Whether a process is alive, and has not been given up since."""
        return slot in self.present and generation == self._generations[slot]

    @property
    def loading(self) -> int:
        """Number of a cluster's slots whose processes are loading their libraries."""
        return sum(
            self._answers.get(slot) is None and self._starts.at(slot) is not None
            for slot in self.present
        )

    def ready(self) -> set[str]:
        """Slots whose processes have loaded their libraries and may train.

        Raises
        ------
        FaultError
            If no process of a cluster can be used.
        """
        if self._selection is None:
            return {
                slot
                for slot in self.present
                if self._warm_ups[slot].done() and not self._is_broken(slot)
            }
        while not self._arrived.empty():
            self._note_answer(*self._arrived.get())
        return self._selection.usable({slot: self._answers.get(slot) for slot in self.present})

    def load_error(self, slot: str) -> BaseException | None:
        """Why a process could not load its libraries, or None."""
        loading = self._warm_ups.get(slot)
        return loading.exception() if loading and loading.status == "error" else None

    def remove(
        self, slot: str, generation: int | None = None, *, is_dead: bool = False
    ) -> WorkerLost | int:
        """Remove a lost slot; return its memory in bytes if its nanny killed it for that.

        Parameters
        ----------
        generation : int, optional
            Of the process that is lost; the present one if not given.
        is_dead : bool
            Whether it is known that its process has ended.
        """
        if self._selection is None:
            self.present.discard(slot)
            return self._local_loss(slot)
        is_listed = slot in self.present and not is_dead
        if generation in (None, self._generations[slot]):
            self._give_up(slot)
        if slot in self._too_large:
            used = f"{self._too_large[slot] / 2**30:.1f} GiB"
            reason = f"the worker at {slot} was over its memory limit: it used {used}"
            return WorkerLost("out of memory", reason, is_own=True)
        if self._is_paused(slot):
            reason = f"the worker at {slot} is paused: it is near its memory limit"
            return WorkerLost("worker paused", reason, is_counted=False)
        if slot in self._orphans:
            return WorkerLost("scheduler lost", "the scheduler was lost", is_counted=False)
        if is_listed:
            reason = f"the worker at {slot} does not answer"
            return WorkerLost("worker silent", reason, is_counted=False)
        # Nobody knows whether it crashed or was killed.
        return WorkerLost(WORKER_DIED, f"the worker at {slot} died", is_own=True)

    def _local_loss(self, slot: str) -> WorkerLost | int:
        if slot in self._too_large:
            return self._too_large[slot]
        if self._crash_notes is not None and (crashed := crash(self._crash_notes, slot)):
            return WorkerLost("crash", f"{crashed} in the worker at {slot}", is_own=True)
        if self._kernel_kills.recent():
            return WorkerLost(
                "out of memory",
                f"the kernel killed the worker at {slot}: the memory of the machine, or of its "
                "container, was full",
            )
        return WorkerLost(WORKER_DIED, f"the worker at {slot} was killed")

    def stop(self, slot: str) -> None:
        """Kill a process of our own, whose nanny starts another; give up any other.

        A process of a cluster is used again once it has answered anew: nobody knows whose other
        work it does.
        """
        if self._selection is not None:
            self._give_up(slot)
            return
        self.present.discard(slot)
        self._stopped.add(slot)
        with contextlib.suppress(KeyError):  # it is gone already
            self._client.run(_kill, workers=[slot], nanny=True, on_error="ignore")

    def stop_if_large(self, slot: str) -> None:
        """Kill an idle local process that uses too much memory; its nanny starts another."""
        is_own = self._selection is None and slot in self.present
        # Without a nanny nobody would start another.
        if is_own and self._known[slot]["nanny"] and self._is_large(slot):
            self.stop(slot)

    def _subscribe(self) -> None:
        self._client.subscribe_topic("worker-restart-memory", self._note_memory)
        self._starts.subscribe(self._client)

    @contextlib.contextmanager
    def _scheduler_there(self) -> Iterator[None]:
        """Context manager: a scheduler that is gone ends the session with one line."""
        if self._gone is None and self._client.status != "closed":
            try:
                yield
            except (OSError, ClosedClientError):
                pass
            else:
                return
        self._gone = FaultError(
            f"the Dask scheduler at {self._address} does not answer any more; when it is back, the "
            "same command goes on"
        )
        raise self._gone

    def _note_known(self, answer: dict[str, Any]) -> None:
        """Note what the scheduler has answered: itself, and its workers."""
        before, self._known = self._known, answer["workers"]
        if self._scheduler not in (None, answer["id"]):
            self._orphans |= self.present
            for slot in before:
                self._give_up(slot)
            self._subscribe()
        self._scheduler = answer["id"]
        for slot in before.keys() & self._known.keys():
            # Its folder is another where another process has the same address.
            if before[slot]["local_directory"] != self._known[slot]["local_directory"]:
                self._give_up(slot)
        self._stopped &= self._known.keys()
        self.present = {
            slot for slot in self._known.keys() - self._stopped if not self._is_paused(slot)
        }
        self._answers = {slot: self._answers.get(slot) for slot in self.present}
        self._tell_of_threads()

    def _tell_of_threads(self) -> None:
        if self._selection is None:
            return
        threads = {slot: self._known[slot]["nthreads"] - 1 for slot in self.present}
        found = {slot for slot, idle in threads.items() if idle} - self._with_threads
        self._with_threads |= found
        if idle := sum(threads[slot] for slot in found):
            self._say(f"{idle} thread(s) are idle: start one process a core")

    def _is_paused(self, slot: str) -> bool:
        return slot in self._known and self._known[slot]["status"] not in ("init", "running")

    def _warmed_up(self, slot: str) -> Future:
        """The task that loads a slot's libraries; a new one if there is none or it was lost."""
        earlier = self._warm_ups.get(slot)
        if earlier is not None and earlier.status not in ("cancelled", "lost"):
            return earlier
        self._starts.forget(slot)
        if self._selection is None:
            return self._client.submit(self._warm_up, workers=[slot], pure=False)
        # A process that cannot read a task, for want of this project, ends, and its nanny starts
        # another, for ever. So it is first asked with a function that every process has.
        return self._asked(slot, find_spec, tasks.__name__)

    def _asked(self, slot: str, function: Callable[..., object], *arguments: str) -> Future:
        """A task whose result is noted as a slot's answer."""
        asked = self._client.submit(function, *arguments, workers=[slot], pure=False)

        def deliver(result: object) -> None:
            self._arrived.put((slot, asked, result))

        asked.add_done_callback(lambda done: fetch(done, deliver, SECONDS_TO_ANSWER))
        return asked

    def _note_answer(self, slot: str, loading: Future, answer: object) -> None:
        if slot not in self._warm_ups or self._warm_ups[slot] is not loading:
            return
        if isinstance(answer, Fingerprint):
            self._answers[slot] = answer
        elif isinstance(answer, ModuleSpec):
            self._warm_ups[slot] = self._asked(slot, self._warm_up)
        elif answer is None:
            self._answers[slot] = ModuleNotFoundError(f"No module named {tasks.__name__!r}")
        elif isinstance(answer, KilledWorker) or loading.status != "error":
            self._give_up(slot)  # it is gone, or silent, and not to blame
        elif isinstance(answer, Exception):
            self._answers[slot] = answer

    def _give_up(self, slot: str) -> None:
        """Give up on a slot's process; the slot is used again once a new one has answered."""
        self._generations[slot] += 1
        self._warm_ups.pop(slot, None)
        self._answers.pop(slot, None)

    def _is_large(self, slot: str) -> bool:
        memory = self._known[slot]["metrics"]["memory"]
        limit = self._known[slot]["memory_limit"] or math.inf
        return bool(memory > min(FULL * limit, GROWN * self._first.setdefault(slot, memory)))

    def _is_broken(self, slot: str) -> bool:
        if self._selection is not None:
            return False
        nanny = self._known[slot]["nanny"]
        is_last = not nanny or self._failed_to_load[nanny] >= ATTEMPTS_TO_LOAD - 1
        return not is_last and self._warm_ups[slot].status == "error"

    def _note_memory(self, event: tuple[float, dict[str, Any]]) -> None:
        self._too_large[event[1]["worker"]] = event[1]["rss"]


def _kill(dask_worker: Nanny) -> None:
    """Kill a nanny's worker process with SIGKILL; a graceful restart would wait for hung tasks."""
    os.kill(dask_worker.pid, signal.SIGKILL)
