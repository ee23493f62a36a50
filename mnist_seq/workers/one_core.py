"""How a worker process is set up for trainings: one thread, one core, memory that it keeps."""

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from distributed import Worker, WorkerPlugin

from mnist_seq.workers import forkserver
from mnist_seq.workers.deaths import note_crashes

# Parameters of mallopt, and the most that glibc takes for the second. Dask has the C library return
# what a step frees at once: an epoch of 128 units took 31 s in a worker, and 16 s with these.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
BYTES_TO_KEEP = 32 * 2**20


class OneCore(WorkerPlugin):  # type: ignore[misc]  # dask has no types
    """Dask plugin that makes a worker single-threaded, pins it to a core and ignores Ctrl-C.

    Parameters
    ----------
    cores : mapping
        By a worker's name; one that is not in it is not pinned.
    crash_notes : Path or None
        Where a worker notes that it crashes, if that is read.
    """

    name = "one-core"

    def __init__(self, cores: Mapping[object, int], crash_notes: Path | None = None) -> None:
        self.cores, self.crash_notes = dict(cores), crash_notes

    def setup(self, worker: Worker) -> None:
        set_up()
        # Its nanny silences one module of Dask alone; what ends a worker is told by who started it.
        logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
        # Ctrl-C reaches every process of the terminal; who started them decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if worker.name in self.cores:
            os.sched_setaffinity(0, {self.cores[worker.name]})
        if self.crash_notes is not None:
            note_crashes(self.crash_notes, worker.address)


def set_up() -> None:
    """Set what decides how this process calculates, and how fast."""
    os.environ.update(forkserver.ENVIRONMENT)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Make glibc's malloc keep freed memory for reuse instead of returning it to the system."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has it
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, BYTES_TO_KEEP)
            mallopt(M_TRIM_THRESHOLD, 4 * BYTES_TO_KEEP)
