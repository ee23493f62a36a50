"""Fetches a task's result without blocking the caller."""

import threading
from collections.abc import Callable

from distributed import Future


def fetch(done: Future, deliver: Callable[[object], None], seconds: float) -> None:
    """Fetch a task's result in a thread of its own; deliver it, or the exception in its place.

    A worker that is cut off or frozen may keep it for as long as it takes.
    """

    def wait() -> None:
        result: object
        try:
            result = done.result(timeout=seconds)
        except Exception as error:  # the task's own, or one of the connection
            result = error
        deliver(result)

    threading.Thread(target=wait, daemon=True).start()
