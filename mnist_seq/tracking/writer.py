"""Background thread that stores queued writes in order and retries failed ones."""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mlflow.entities import Metric, Param

MOST_PARAMS = 100  # in one batch, by MLflow's rules; likewise of tags
MOST_ENTRIES = 1000  # metrics, parameters and tags together
MOST_SECONDS_TO_GIVE_WAY = 0.1


@dataclass
class Values:
    """Metrics, params and tags of one run; storing the same ones twice has no effect."""

    metrics: list[Metric] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def take(self, later: "Values") -> bool:
        """Merge later values into these; return False if MLflow's batch limits forbid it."""
        metrics = self.metrics + later.metrics
        params = self.params + later.params
        tags = self.tags | later.tags
        if max(len(params), len(tags)) > MOST_PARAMS:
            return False
        if len(metrics) + len(params) + len(tags) > MOST_ENTRIES:
            return False
        self.metrics, self.params, self.tags = metrics, params, tags
        return True


@dataclass
class Write:
    """One queued write: a description and the function that carries it out.

    The function is told whether it is a retry: what was reported as failed may have got through.
    """

    description: str  # for a message
    execute: Callable[[bool], object]
    values: Values | None = None  # what it stores, if later values may be added until it does


class Writer:
    """Executes queued writes in order on a background thread, with retries.

    Writes of one queue (a run) are executed in order; queues take turns, and what has piled up in a
    queue is merged into one write. A write that fails for a transient reason (a locked database, a
    full disk, a server that is away) is tried again until it succeeds. Any other failure is a
    mistake in the program: that write is dropped, and the next `put` or `close` raises its
    exception.

    Parameters
    ----------
    is_transient : callable
        Whether an exception will go away by waiting.
    warn : callable
        Told in one line when waiting begins, once for each outage.
    reason : callable
        Says what an exception means; its first line is told.
    longest_pause : float
        Seconds between two attempts, at most.

    Notes
    -----
    Python runs one thread at a time, so that whoever works meanwhile works half as fast. Once
    somebody has said when they are `idle`, a write begins while they are, or after 0.1 s.
    """

    def __init__(
        self,
        is_transient: Callable[[Exception], bool],
        warn: Callable[[str], None],
        reason: Callable[[Exception], str] = str,
        longest_pause: float = 5.0,
    ) -> None:
        self._is_transient = is_transient
        self._warn = warn
        self._reason = reason
        self._longest_pause = longest_pause
        self._queues: dict[Hashable, deque[Write]] = {}
        self._current: Write | None = None
        self._failure: Exception | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._given_up = threading.Event()
        self._last_progress = time.monotonic()
        self._idle = threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    def put(self, queue: Hashable, write: Write) -> None:
        """Append a write to the queue with the given key."""
        with self._changed:
            self._raise_failure()
            if self._closed:
                raise RuntimeError(f"{write.description} came after the tracker was closed")
            self._queues.setdefault(queue, deque()).append(write)
            self._changed.notify_all()

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Context manager: mark the caller as idle, so that queued writes run meanwhile."""
        self._idle.set()
        try:
            yield
        finally:
            self._idle.clear()

    def drain(self, timeout: float) -> list[str]:
        """Wait until all is stored, or nothing was for `timeout` seconds; return what is left."""
        began = time.monotonic()
        self._idle.set()
        with self._changed:
            while self._queues or self._current:
                left = max(began, self._last_progress) + timeout - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            current = [self._current] if self._current else []
            waiting = [write for queue in self._queues.values() for write in queue]
            return [write.description for write in current + waiting]

    def close(self, timeout: float) -> list[str]:
        """Wait for the writes, stop the thread, and return descriptions of unstored writes."""
        if self._closed:
            return []
        left = self.drain(timeout)
        with self._changed:
            self._closed = True
            if left:
                self._given_up.set()
            self._changed.notify_all()
        self._thread.join(timeout=1.0)  # it may be inside a call that waits for a lock
        with self._changed:
            self._raise_failure()
        return left

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _work(self) -> None:
        while (write := self._next()) is not None:
            try:
                self._execute(write)
            except Exception as error:
                with self._changed:
                    self._failure = self._failure or error
            with self._changed:
                self._current = None
                self._last_progress = time.monotonic()
                self._changed.notify_all()

    def _next(self) -> Write | None:
        with self._changed:
            while not self._queues and not self._closed:
                self._changed.wait()
        deadline = time.monotonic() + MOST_SECONDS_TO_GIVE_WAY
        while not self._idle.is_set() and (left := deadline - time.monotonic()) > 0:
            self._idle.wait(left)
        with self._changed:
            if not self._queues or self._given_up.is_set():
                return None
            name, queue = next(iter(self._queues.items()))
            del self._queues[name]
            write = queue.popleft()
            while queue and write.values and queue[0].values:
                if not write.values.take(queue[0].values):
                    break
                queue.popleft()
            if queue:
                self._queues[name] = queue  # behind the other queues
            self._current = write
            return write

    def _execute(self, write: Write) -> None:
        pause = 0.1
        is_retry = False
        while True:
            try:
                write.execute(is_retry)
                return
            except Exception as error:
                if not self._is_transient(error):
                    raise
                if not is_retry and not self._given_up.is_set():
                    reason = self._reason(error).partition("\n")[0] or type(error).__name__
                    self._warn(f"{write.description}: waiting until it can be stored ({reason})")
                is_retry = True
                if self._given_up.wait(pause):
                    return
                pause = min(2 * pause, self._longest_pause)
