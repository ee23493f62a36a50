"""Track which worker processes of a Dask cluster are alive, ready or to be replaced.

A slot is a single-threaded process of a Dask cluster, named by its address. The process that a
nanny starts in place of another has an address of its own.
"""

import contextlib
import math
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from distributed import Client, Future, Nanny
from distributed.client import FutureCancelledError

from mnist_seq.errors import WORKER_DIED, FaultError
from mnist_seq.records import WorkerLost
from mnist_seq.workers.deaths import KernelKills, crash
from mnist_seq.workers.selection import Answer, Selection

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
    crash_notes : Path or None
        Where local processes note that they crash; None if they are elsewhere.
    selection : Selection or None
        Which processes of a cluster may train, by what `warm_up` returns; None for local ones.
    """

    def __init__(
        self,
        client: Client,
        warm_up: Callable[[], object],
        crash_notes: Path | None = None,
        selection: Selection | None = None,
    ) -> None:
        self.present: set[str] = set()
        self._crash_notes = crash_notes
        self._kernel_kills = KernelKills()
        self._client = client
        self._selection = selection
        self._answers: dict[str, Answer] = {}
        self._warm_up = warm_up
        self._warm_ups: dict[str, Future] = {}
        self._failed_to_load: Counter[str] = Counter()  # processes of each nanny
        self._stopped: set[str] = set()  # the scheduler may list one for a moment yet
        self._known: dict[str, dict[str, Any]] = {}
        self._first: dict[str, int] = {}  # bytes of a process after its first training
        self._too_large: dict[str, int] = {}  # bytes of processes that were stopped for them
        self._last_refresh = 0.0
        client.subscribe_topic("worker-restart-memory", self._note_memory)

    def renew(self, client: Client) -> None:
        """Replace all processes, and the connection to them."""
        self._client, self._warm_ups = client, {}
        client.subscribe_topic("worker-restart-memory", self._note_memory)
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
        # Not `scheduler_info`: every other second the client forgets its workers for a moment.
        with scheduler_of(self._client):
            answer = self._client.sync(self._client.scheduler.identity, n_workers=-1)
        self._known = answer["workers"]
        self._stopped &= self._known.keys()
        self.present = self._known.keys() - self._stopped
        self._warm_ups = {
            slot: self._warm_ups.get(slot)
            or self._client.submit(self._warm_up, workers=[slot], pure=False)
            for slot in self.present
        }
        for slot in list(filter(self._is_broken, self.present)):
            self._failed_to_load[self._known[slot]["nanny"]] += 1
            self.stop(slot)
        self._kernel_kills.look()
        self._last_refresh = time.monotonic()

    def ready(self) -> set[str]:
        """Slots whose processes have loaded their libraries and may train.

        Raises
        ------
        FaultError
            If no process of a cluster can be used.
        """
        loaded = {
            slot
            for slot in self.present
            if self._warm_ups[slot].done() and not self._is_broken(slot)
        }
        if self._selection is None:
            return loaded
        for slot in loaded - self._answers.keys():
            self._answers[slot] = _answer(self._warm_ups[slot])
        return self._selection.usable({slot: self._answers.get(slot) for slot in self.present})

    def load_error(self, slot: str) -> BaseException | None:
        """Why a process could not load its libraries, or None."""
        loading = self._warm_ups.get(slot)
        return loading.exception() if loading and loading.status == "error" else None

    def remove(self, slot: str) -> WorkerLost | int:
        """Remove a dead slot; return its memory in bytes if its nanny killed it for that."""
        self.present.discard(slot)
        if slot in self._too_large:
            return self._too_large[slot]
        if self._crash_notes is None:  # nobody knows whether it crashed or was killed
            return WorkerLost(WORKER_DIED, f"the worker at {slot} died", is_own=True)
        if crashed := crash(self._crash_notes, slot):
            return WorkerLost("crash", f"{crashed} in the worker at {slot}", is_own=True)
        if self._kernel_kills.recent():
            return WorkerLost(
                "out of memory",
                f"the kernel killed the worker at {slot}: the memory of the machine, or of its "
                "container, was full",
            )
        return WorkerLost(WORKER_DIED, f"the worker at {slot} was killed")

    def stop(self, slot: str) -> None:
        """Kill a process; its nanny starts another."""
        self.present.discard(slot)
        self._stopped.add(slot)
        with contextlib.suppress(KeyError):  # it is gone already
            self._client.run(_kill, workers=[slot], nanny=True, on_error="ignore")

    def stop_if_large(self, slot: str) -> None:
        """Kill an idle worker process that uses too much memory; its nanny starts another."""
        # Without a nanny nobody would start another.
        if slot in self.present and self._known[slot]["nanny"] and self._is_large(slot):
            self.stop(slot)

    def _is_large(self, slot: str) -> bool:
        memory = self._known[slot]["metrics"]["memory"]
        limit = self._known[slot]["memory_limit"] or math.inf
        return bool(memory > min(FULL * limit, GROWN * self._first.setdefault(slot, memory)))

    def _is_broken(self, slot: str) -> bool:
        nanny = self._known[slot]["nanny"]
        is_last = not nanny or self._failed_to_load[nanny] >= ATTEMPTS_TO_LOAD - 1
        return not is_last and self._warm_ups[slot].status == "error"

    def _note_memory(self, event: tuple[float, dict[str, Any]]) -> None:
        self._too_large[event[1]["worker"]] = event[1]["rss"]


@contextlib.contextmanager
def scheduler_of(client: Client) -> Iterator[None]:
    """Context manager: a scheduler that is gone ends the session with one line.

    Raises
    ------
    FaultError
        If the connection is closed or nothing answers.
    """
    address = client.scheduler.address
    try:
        yield
    except OSError as error:
        raise FaultError(
            f"the Dask scheduler at {address} does not answer any more; when it is back, the same "
            "command goes on"
        ) from error


def _answer(warm_up: Future) -> Answer:
    """What a finished warm-up has returned or raised; None if its process is gone."""
    try:
        found: Answer = warm_up.result(timeout=SECONDS_TO_ANSWER)
    except (FutureCancelledError, TimeoutError):
        return None
    except Exception as error:  # whatever loading raises keeps that worker from training
        return error
    return found


def _kill(dask_worker: Nanny) -> None:
    """Kill a nanny's worker process with SIGKILL; a graceful restart would wait for hung tasks."""
    os.kill(dask_worker.pid, signal.SIGKILL)
