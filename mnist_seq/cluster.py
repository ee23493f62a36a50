"""The processes that train: local ones, one a core, or those of a running cluster."""

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

from mnist_seq import forkserver
from mnist_seq.config import WorkersConfig
from mnist_seq.errors import InputError
from mnist_seq.workers import Steps, Workers

SECONDS_TO_CONNECT = 30.0
# A process that is not forked holds 0.7 GiB after its first training and 1.1 when it is replaced.
BYTES_A_PROCESS = 3 * 2**29
# Parameters of mallopt, and the most that glibc takes for the second.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
BYTES_TO_KEEP = 32 * 2**20


class _OneCore(WorkerPlugin):  # type: ignore[misc]  # dask has no types
    """Makes a process single-threaded, keeps it on its core, and quiet."""

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
    """Have the C library hand out again what a training step has freed.

    Dask tells it to return everything to the system at once; then every step of a training gets
    its buffers page by page, which doubled the time of an epoch.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has it
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, BYTES_TO_KEEP)
            mallopt(M_TRIM_THRESHOLD, 4 * BYTES_TO_KEEP)


def local_count(cores: int, memory: int) -> int:
    """How many processes suit a machine: one a core, as far as its memory (in bytes) goes."""
    return max(1, min(cores, memory // BYTES_A_PROCESS))


@contextlib.contextmanager
def open_workers(config: WorkersConfig, steps: Steps) -> Iterator[Workers]:
    """Workers for as long as the block lasts: local processes, or those of a running cluster.

    Raises
    ------
    InputError
        If no scheduler answers at ``workers.scheduler``.
    """
    # A lost task is ours to begin again, from a saved state; and workers write no files.
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": 0,
            "distributed.worker.multiprocessing-method": forkserver.METHOD,
            # It would keep one copy of the dataset only, to be lost with its process.
            "distributed.scheduler.active-memory-manager.start": False,
            # It looks at a training a hundred times a second, for one page of its dashboard.
            "distributed.worker.profile.enabled": False,
            "distributed.worker.memory.target": False,
            "distributed.worker.memory.spill": False,
            # A paused process would hang: it gives nothing back. Its nanny stops it if need be.
            "distributed.worker.memory.pause": False,
            # It would give up for good a process that is not there 15 s after one of its deaths,
            # be it only for being started once more.
            "distributed.deploy.lost-worker-timeout": "1000 days",
            "distributed.admin.large-graph-warning-threshold": "1GB",
        }
    )
    if config.scheduler is not None:
        try:
            client = Client(config.scheduler, timeout=SECONDS_TO_CONNECT)
        except OSError:
            raise InputError(
                f"workers.scheduler: no Dask scheduler answers at {config.scheduler}"
            ) from None
        with client:
            client.register_plugin(_OneCore([]))
            yield Workers(client, steps, config)
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
        yield Workers(client, steps, config)
