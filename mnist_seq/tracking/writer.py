"""One thread that carries out writes in order, each once, however long the place is away."""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Protocol

MOST_SECONDS_TO_GIVE_WAY = 0.1


class Write(Protocol):
    """Something to be stored."""

    words: str  # what it is, for a message

    def carry_out(self, again: bool, /) -> None:
        """Store it; `again`: an earlier attempt failed, and may have got through all the same."""

    def join(self, later: "Write", /) -> bool:
        """Take over what the next write of the same line holds, if one deed can do both."""


class Writer:
    """Takes writes without ever waiting, and carries them out on a thread of its own.

    Writes of one line (a run) are carried out in order; lines take turns, and what has piled up in
    a line is joined into one write. A write that fails for a passing reason (a locked database, a
    full disk) is tried again until it succeeds. Any other failure is a mistake in the program: that
    write is dropped, and the next `put` or `close` raises its exception.

    Parameters
    ----------
    passing : callable
        Whether an exception will go away by waiting.
    warn : callable
        Told in one line when waiting begins, once for each outage.
    longest_pause : float
        Seconds between two attempts, at most.

    Notes
    -----
    Python runs one thread at a time, so that whoever works meanwhile works half as fast. Once
    somebody has said when they are `idle`, a write begins while they are, or after 0.1 s.
    """

    def __init__(
        self,
        passing: Callable[[Exception], bool],
        warn: Callable[[str], None],
        longest_pause: float = 5.0,
    ) -> None:
        self._passing = passing
        self._warn = warn
        self._longest_pause = longest_pause
        self._lines: dict[Hashable, deque[Write]] = {}
        self._current: Write | None = None
        self._failure: Exception | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._given_up = threading.Event()
        self._moved = time.monotonic()
        self._idle = threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    def put(self, line: Hashable, write: Write) -> None:
        """Queue a write behind the others of its line."""
        with self._changed:
            self._raise_failure()
            if self._closed:
                raise RuntimeError(f"{write.words} came after the tracker was closed")
            self._lines.setdefault(line, deque()).append(write)
            self._changed.notify_all()

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Writes may begin: whoever is in this block waits for something else."""
        self._idle.set()
        try:
            yield
        finally:
            self._idle.clear()

    def drain(self, patience: float) -> list[str]:
        """Wait until all is stored, or nothing was for `patience` seconds; say what is left."""
        began = time.monotonic()
        self._idle.set()
        with self._changed:
            while self._lines or self._current:
                left = max(began, self._moved) + patience - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            waiting = [write.words for line in self._lines.values() for write in line]
            return [self._current.words, *waiting] if self._current else waiting

    def close(self, patience: float) -> list[str]:
        """Drain, end the thread, and say what could not be stored."""
        if self._closed:
            return []
        left = self.drain(patience)
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
            failure: Exception | None = None
            try:
                self._carry_out(write)
            except Exception as error:
                failure = error
            with self._changed:
                self._failure = self._failure or failure
                self._current = None
                self._moved = time.monotonic()
                self._changed.notify_all()

    def _next(self) -> Write | None:
        with self._changed:
            while not self._lines and not self._closed:
                self._changed.wait()
        self._give_way()
        with self._changed:
            if not self._lines or self._given_up.is_set():
                return None
            line, writes = next(iter(self._lines.items()))
            del self._lines[line]
            write = writes.popleft()
            while writes and write.join(writes[0]):
                writes.popleft()
            if writes:
                self._lines[line] = writes  # behind the other lines
            self._current = write
            return write

    def _give_way(self) -> None:
        deadline = time.monotonic() + MOST_SECONDS_TO_GIVE_WAY
        while not self._idle.is_set() and (left := deadline - time.monotonic()) > 0:
            self._idle.wait(left)

    def _carry_out(self, write: Write) -> None:
        pause = 0.1
        again = False
        while True:
            try:
                write.carry_out(again)
            except Exception as error:
                if not self._passing(error):
                    raise
                if not again and not self._given_up.is_set():
                    reason = str(error).splitlines()[0]
                    self._warn(f"{write.words}: waiting until it can be stored ({reason})")
                again = True
                if self._given_up.wait(pause):
                    return
                pause = min(2 * pause, self._longest_pause)
            else:
                return
