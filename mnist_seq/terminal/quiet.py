"""Run a part of the program without a word on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from mnist_seq.terminal.display import console


@contextmanager
def quiet(*, unless: bool = False) -> Iterator[None]:
    """Context manager: print nothing, unless that is wanted."""
    before = console.quiet
    console.quiet = before or not unless
    try:
        yield
    finally:
        console.quiet = before
