"""The shared workers, once both are free."""

import os
import time
from collections.abc import Iterator

import pytest

from mnist_seq.workers.pool import Workers
from tests.workers.pools import SECONDS


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
