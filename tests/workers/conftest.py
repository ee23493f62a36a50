"""Two real processes for the tests of a file."""

import os
import time
from collections.abc import Iterator

import pytest

from mnist_seq.cluster import open_workers
from mnist_seq.workers import Workers
from tests.workers.pools import SECONDS, SETTINGS, STEPS


@pytest.fixture(scope="module")
def pool() -> Iterator[Workers]:
    with open_workers(SETTINGS, STEPS) as opened:
        yield opened


@pytest.fixture
def both_free(pool: Workers) -> Iterator[Workers]:
    deadline = time.monotonic() + SECONDS
    answers: dict[str, object] = {}
    while time.monotonic() < deadline:
        answers = pool._client.run(os.getpid, on_error="return")
        alive = {slot for slot, answer in answers.items() if isinstance(answer, int)}
        if pool.free == 2 and alive == pool._slots.present:
            break
        time.sleep(0.1)
    else:
        pytest.fail(f"two processes should be there: {answers}")
    yield pool
    for number in list(pool._trainings):  # of a test that failed
        pool.drop(number)
