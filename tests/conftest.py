"""How TensorFlow behaves in tests, set before it is loaded; the workers that tests share."""

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from mnist_seq.workers.forkserver import ENVIRONMENT

if TYPE_CHECKING:
    from mnist_seq.workers.pool import Workers

# As in a worker: one thread for each process, and quiet. Read when NumPy and TensorFlow are loaded.
os.environ.update(ENVIRONMENT, OPENBLAS_NUM_THREADS="1")

# As in a terminal: the tests, and what they start, may themselves have been started by nohup.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def pool() -> "Iterator[Workers]":
    """Two real worker processes, for all tests of this process."""
    from mnist_seq.workers import pool, slots
    from mnist_seq.workers.cluster import open_workers
    from tests.workers.pools import FUNCTIONS, SETTINGS

    with pytest.MonkeyPatch.context() as patch, open_workers(SETTINGS, FUNCTIONS) as opened:
        # Nobody waits for a second in tests that wait for processes to come back.
        for module in (pool, slots):
            patch.setattr(module, "SECONDS_BETWEEN_REFRESHES", 0.1)
        yield opened
