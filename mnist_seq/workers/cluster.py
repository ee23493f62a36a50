"""Start local Dask workers, one per core, or connect to a running Dask cluster."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Sequence

import dask
from distributed import Client, LocalCluster, Worker, WorkerPlugin
from distributed.system import MEMORY_LIMIT
from distributed.utils import get_mp_context

from mnist_seq.config import WorkersConfig
from mnist_seq.errors import InputError
from mnist_seq.workers import forkserver
from mnist_seq.workers.pool import TrainingFunctions, Workers

SECONDS_TO_CONNECT = 30.0
# A process that is not forked holds 0.7 GiB after its first training and 1.1 when it is replaced.
BYTES_A_PROCESS = 3 * 2**29
# Parameters of mallopt, and the most that glibc takes for the second. Dask has the C library return
# what a step frees at once: an epoch of 128 units took 31 s in a worker, and 16 s with these.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
BYTES_TO_KEEP = 32 * 2**20
DASK_SETTINGS = {
    # A lost task is ours to retry, from a saved state; Dask would run it 3 more times unasked.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.worker.multiprocessing-method": forkserver.METHOD,
    # The active memory manager would keep one copy of the dataset, to be lost with its process.
    "distributed.scheduler.active-memory-manager.start": False,
    # The profiler samples a training 100 times a second: 0.1 s before a first step.
    "distributed.worker.profile.enabled": False,
    # Workers write no files: at 60 and 70 % of their memory they would spill to disk.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    # A worker paused at 80 % would hang: it gives nothing back. At 95 % its nanny restarts it.
    "distributed.worker.memory.pause": False,
    # A worker that is not back 15 s after its death would be given up for good.
    "distributed.deploy.lost-worker-timeout": "1000 days",
    # The dataset is 47 MB of MNIST, sent once; a warning comes at 10 MB.
    "distributed.admin.large-graph-warning-threshold": "1GB",
}


class _OneCore(WorkerPlugin):  # type: ignore[misc]  # dask has no types
    """Dask plugin that makes a worker single-threaded, pins it to a core and ignores Ctrl-C."""

    name = "one-core"

    def __init__(self, cores: Sequence[int]) -> None:
        self.cores = list(cores)

    def setup(self, worker: Worker) -> None:
        os.environ.update(forkserver.ENVIRONMENT)
        # Ctrl-C reaches every process of the terminal; the driver alone decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self.cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {self.cores[int(worker.name) % len(self.cores)]})
        _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Make glibc's malloc keep freed memory for reuse instead of returning it to the system."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has it
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, BYTES_TO_KEEP)
            mallopt(M_TRIM_THRESHOLD, 4 * BYTES_TO_KEEP)


def local_count(cores: int, memory: int) -> int:
    """Return the number of local workers: one per core, limited by memory (in bytes)."""
    return max(1, min(cores, memory // BYTES_A_PROCESS))


@contextlib.contextmanager
def open_workers(config: WorkersConfig, functions: TrainingFunctions) -> Iterator[Workers]:
    """Context manager: open workers in local processes or on a running Dask cluster.

    Raises
    ------
    InputError
        If no scheduler answers at ``workers.scheduler``.
    """
    dask.config.set(DASK_SETTINGS)
    if config.scheduler is not None:
        try:
            client = Client(config.scheduler, timeout=SECONDS_TO_CONNECT)
        except OSError:
            raise InputError(
                f"workers.scheduler: no Dask scheduler answers at {config.scheduler}"
            ) from None
        with client:
            client.register_plugin(_OneCore([]))
            yield Workers(client, functions, config)
        return
    get_mp_context()  # Dask asks, once, for other libraries to be loaded there: ours are asked last
    forkserver.start(config)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    with (
        LocalCluster(
            n_workers=config.count or local_count(len(cores) or os.cpu_count() or 1, MEMORY_LIMIT),
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=f"{config.memory_gib}GiB" if config.memory_gib else "auto",
            silence_logs="CRITICAL",
        ) as cluster,
        Client(cluster) as client,
    ):
        client.register_plugin(_OneCore(cores))
        yield Workers(client, functions, config)
