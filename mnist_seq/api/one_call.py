"""Allow one API call at a time per process, with or without terminal output."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mnist_seq.terminal.display import console

_TURN = threading.RLock()


@contextmanager
def one_call(*, progress: bool) -> Iterator[None]:
    """Context manager: a call that prints only if `progress`; others wait until it has ended.

    The terminal, matplotlib's settings and the datasets in memory are those of the whole process.
    """
    with _TURN:
        before = console.quiet
        console.quiet = before or not progress
        try:
            yield
        finally:
            console.quiet = before
