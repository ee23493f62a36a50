"""Start local Dask workers, one per core, or connect to a running Dask cluster."""

import contextlib
import ctypes
import functools
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import dask
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster, Security, Worker, WorkerPlugin
from distributed.system import MEMORY_LIMIT
from distributed.utils import get_mp_context

from mnist_seq.config import WorkersConfig
from mnist_seq.errors import FaultError, InputError
from mnist_seq.workers import forkserver
from mnist_seq.workers.cores import taken_cores
from mnist_seq.workers.deaths import note_crashes
from mnist_seq.workers.fingerprint import Fingerprint, fingerprint
from mnist_seq.workers.pool import TrainingFunctions, Workers
from mnist_seq.workers.selection import Selection

_log = logging.getLogger(__name__)

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
    # Nor is one that was silent for 5 minutes: the machine was suspended, and it goes on with it.
    "distributed.scheduler.worker-ttl": None,
    # Pages about the session that any local user could read.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # The dataset is 47 MB of MNIST, sent once; a warning comes at 10 MB.
    "distributed.admin.large-graph-warning-threshold": "1GB",
}


class _OneCore(WorkerPlugin):  # type: ignore[misc]  # dask has no types
    """Dask plugin that makes a worker single-threaded, pins it to a core and ignores Ctrl-C."""

    name = "one-core"

    def __init__(self, cores: Sequence[int], crash_notes: Path) -> None:
        self.cores, self.crash_notes = list(cores), crash_notes

    def setup(self, worker: Worker) -> None:
        os.environ.update(forkserver.ENVIRONMENT)
        # Ctrl-C reaches every process of the terminal; the driver alone decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self.cores:
            os.sched_setaffinity(0, {self.cores[int(worker.name)]})
        note_crashes(self.crash_notes, worker.address)
        _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Make glibc's malloc keep freed memory for reuse instead of returning it to the system."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has it
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, BYTES_TO_KEEP)
            mallopt(M_TRIM_THRESHOLD, 4 * BYTES_TO_KEEP)


def _prepare(functions: TrainingFunctions) -> Fingerprint:
    """Set a remote worker's process up for trainings; return what it computes with.

    It is a task, and no plugin of Dask's: one that fails keeps no other worker from joining, and
    a process that comes later, or back, gets it as well.
    """
    os.environ.update(forkserver.ENVIRONMENT)
    _keep_freed_memory()
    functions.warm_up()
    return fingerprint(functions.begin, functions.advance)


def local_count(cores: int, memory: int) -> int:
    """Return the number of local workers: one per core, limited by memory (in bytes)."""
    return max(1, min(cores, memory // BYTES_A_PROCESS))


@contextlib.contextmanager
def open_workers(
    config: WorkersConfig,
    functions: TrainingFunctions,
    warn: Callable[[str], None] = _log.warning,
) -> Iterator[Workers]:
    """Context manager: open workers in local processes or on a running Dask cluster.

    Parameters
    ----------
    warn : callable
        Told what the user should know of a cluster's workers.

    Raises
    ------
    InputError
        If no scheduler answers at ``workers.scheduler``.
    FaultError
        If this machine cannot start processes.
    """
    dask.config.set(DASK_SETTINGS)
    if config.scheduler is not None:
        try:
            client = Client(config.scheduler, timeout=SECONDS_TO_CONNECT)
        except OSError:
            raise InputError(
                f"workers.scheduler: no Dask scheduler answers at {config.scheduler}"
            ) from None
        except (TypeError, ValueError) as error:  # no port, or tls:// without certificates
            raise InputError(f"workers.scheduler: {config.scheduler}: {error}") from None
        with client:
            client.amm.stop()  # it would keep one copy of the dataset, to be lost with its process
            selection = Selection(warn, leaves_out=config.unlike == "leave_out")
            remote = replace(functions, warm_up=functools.partial(_prepare, functions))
            with contextlib.closing(Workers(client, remote, config, selection=selection)) as pool:
                yield pool
        return
    with _local_cluster(config) as (client, cores, folder):
        client.register_plugin(_OneCore(cores, folder))
        with contextlib.closing(Workers(client, functions, config, folder)) as pool:
            yield pool


@contextlib.contextmanager
def _local_cluster(config: WorkersConfig) -> Iterator[tuple[Client, list[int], Path]]:
    """Context manager: a cluster that this user alone can reach, its workers' cores and folder."""
    count = config.count or local_count(CPU_COUNT, MEMORY_LIMIT)
    with forkserver.without_main_module(), contextlib.ExitStack() as opened:
        try:
            get_mp_context()  # Dask asks, once, for other libraries to be loaded: ours come last
            forkserver.start(config)
            folder = opened.enter_context(tempfile.TemporaryDirectory())
            opened.enter_context(dask.config.set({"temporary-directory": folder}))
            cores = opened.enter_context(taken_cores(count))
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                # Any local user can reach the port, and whoever is let in can run code here.
                protocol="tls",
                security=Security.temporary(),
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=(
                    f"{config.memory_gib}GiB" if config.memory_gib else MEMORY_LIMIT // count
                ),
                silence_logs=logging.CRITICAL + 1,  # what it would say comes as an event
            )
            opened.callback(_close, cluster)
            client = opened.enter_context(Client(cluster))
        except (OSError, RuntimeError, ImportError) as raised:
            error: BaseException = raised
            while error.__cause__ is not None:  # Dask's own words name no place
                error = error.__cause__
            raise FaultError(f"the processes that train could not be started: {error}") from None
        yield client, cores, Path(folder)


def _close(cluster: LocalCluster) -> None:
    """End the processes; one that takes too long on a busy machine is killed when the driver ends.

    By then everything is stored, so that there is nothing to tell the user.
    """
    with contextlib.suppress(TimeoutError):
        cluster.close()
