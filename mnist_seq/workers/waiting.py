"""Tells the user what a command that makes no progress is waiting for."""

import time
from collections.abc import Callable

SECONDS_IN_SILENCE = 5.0


class Waiting:
    """Tells what is waited for, once nothing has moved for some seconds.

    Parameters
    ----------
    say : callable
        Told a line for the user.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._since = time.monotonic()
        self._reason: str | None = None
        self._is_told = False

    def look(self, reason: str | None) -> None:
        """Note why nothing moves, or None if something does."""
        now = time.monotonic()
        if reason != self._reason:
            self._reason, self._since, self._is_told = reason, now, False
        elif reason and not self._is_told and now - self._since > SECONDS_IN_SILENCE:
            self._say(f"waiting: {reason}")
            self._is_told = True
