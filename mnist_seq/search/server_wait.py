"""Waiting for a study's server: calls again until it is back, or the user stops that."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from mnist_seq.errors import ServerUnavailableError, StoppedError

SECONDS_BETWEEN_LOOKS = 0.1
MOST_SECONDS_BETWEEN_ATTEMPTS = 5.0

_Parameters = ParamSpec("_Parameters")
_Returned = TypeVar("_Returned")


class ServerWait:
    """Whether calls to a server wait for it, and what is told meanwhile."""

    def __init__(self) -> None:
        self._is_stopped: Callable[[], bool] | None = None
        self._warn: Callable[[str], None] = lambda _: None
        self._is_away = False
        self._next_attempt = 0.0

    def begin(self, is_stopped: Callable[[], bool], warn: Callable[[str], None]) -> None:
        """From now on calls wait where the server is away.

        Parameters
        ----------
        is_stopped : callable
            Polled meanwhile; a call that waits raises a StoppedError then.
        warn : callable
            Told in one line that the server is away, and that it is back.
        """
        self._is_stopped, self._warn = is_stopped, warn

    @property
    def is_due(self) -> bool:
        """Whether something that was put off may be tried again."""
        return time.monotonic() >= self._next_attempt

    def put_off(self, error: ServerUnavailableError) -> None:
        """Note that the server is away; raise the error unless calls wait for it."""
        if self._is_stopped is None:
            raise error
        self._next_attempt = time.monotonic() + MOST_SECONDS_BETWEEN_ATTEMPTS
        if not self._is_away:
            self._is_away = True
            self._warn(f"{error}: trials wait for it; Ctrl-C saves them and ends the command")

    def pause(self, seconds: float, error: ServerUnavailableError) -> None:
        """Wait before another attempt; raise the error unless calls wait for the server."""
        self.put_off(error)
        assert self._is_stopped is not None
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._is_stopped():
                raise StoppedError(f"{error}; when it is back, the same command goes on")
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def end(self) -> None:
        """Note that the server has answered; say so if it was away."""
        if self._is_away:
            self._is_away, self._next_attempt = False, 0.0
            self._warn("the study's database is back")


class HasServerWait(Protocol):
    """An object with a `ServerWait`, which its methods obey."""

    wait: ServerWait


_Storage = TypeVar("_Storage", bound=HasServerWait)


def retry_while_unavailable(
    method: Callable[Concatenate[_Storage, _Parameters], _Returned],
) -> Callable[Concatenate[_Storage, _Parameters], _Returned]:
    """Decorator: retry a method while the server is unavailable, if calls are to wait."""

    @wraps(method)
    def called(
        storage: _Storage, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> _Returned:
        pause = SECONDS_BETWEEN_LOOKS
        while True:
            try:
                returned = method(storage, *args, **kwargs)
            except ServerUnavailableError as error:
                storage.wait.pause(pause, error)
                pause = min(2 * pause, MOST_SECONDS_BETWEEN_ATTEMPTS)
            else:
                storage.wait.end()
                return returned

    return called
