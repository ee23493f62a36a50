"""Waiting for a study's server: what is called again, what is told, and how it ends."""

import pytest

from mnist_seq.errors import ServerUnavailableError, StoppedError
from mnist_seq.search.server_wait import ServerWait, retry_while_unavailable


class Store:
    """A store whose server is away for its first attempts."""

    def __init__(self, attempts_away: int) -> None:
        self.wait = ServerWait()
        self.attempts, self._attempts_away = 0, attempts_away

    @retry_while_unavailable
    def read(self, number: int) -> int:
        self.attempts += 1
        if self.attempts <= self._attempts_away:
            raise ServerUnavailableError("db: cannot be reached")
        return 2 * number


def test_without_a_sweep_that_runs_nobody_waits() -> None:
    store = Store(attempts_away=1)
    with pytest.raises(ServerUnavailableError):
        store.read(3)
    assert store.attempts == 1


def test_a_call_is_made_again_until_the_server_answers_and_both_ends_are_told_once() -> None:
    store, told = Store(attempts_away=2), list[str]()
    store.wait.begin(lambda: False, told.append)
    assert store.read(3) == 6
    assert store.read(4) == 8
    assert store.attempts == 4
    assert told == [
        "db: cannot be reached: trials wait for it; Ctrl-C saves them and ends the command",
        "the study's database is back",
    ]


def test_a_user_who_stops_the_wait_is_told_that_the_command_goes_on_later() -> None:
    store = Store(attempts_away=100)
    store.wait.begin(lambda: store.attempts == 2, lambda _: None)
    with pytest.raises(StoppedError, match="when it is back, the same command goes on"):
        store.read(3)
    assert store.attempts == 2
