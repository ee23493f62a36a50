"""Start local Dask workers, one per core, or connect to a running Dask cluster."""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster, Security, rpc
from distributed.system import MEMORY_LIMIT
from distributed.utils import get_mp_context

from mnist_seq.config.settings import WorkersConfig
from mnist_seq.errors import FaultError, InputError
from mnist_seq.workers import forkserver
from mnist_seq.workers.certificates import security, temporary_security
from mnist_seq.workers.cores import local_count, taken_cores
from mnist_seq.workers.dask_settings import LOCAL_SETTINGS
from mnist_seq.workers.one_core import OneCore
from mnist_seq.workers.pool import Workers
from mnist_seq.workers.selection import Selection
from mnist_seq.workers.serve import quiet_dask
from mnist_seq.workers.tasks import TrainingFunctions

# Within one attempt Dask waits for longer and longer before it tries to connect again.
SECONDS_AN_ATTEMPT, SECONDS_BETWEEN_ATTEMPTS = 3.0, 0.2
_log = logging.getLogger(__name__)


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
    dask.config.set(LOCAL_SETTINGS)
    if config.scheduler is not None:
        with quiet_dask(), _connected(config, config.scheduler) as client:
            selection = Selection(warn, leaves_out=config.unlike == "leave_out")
            pool = Workers(client, functions, config, selection=selection, say=warn)
            with contextlib.closing(pool):
                yield pool
        return
    with _local_cluster(config) as (client, cores, folder):
        client.register_plugin(OneCore(dict(enumerate(cores)), folder))
        with contextlib.closing(Workers(client, functions, config, folder)) as pool:
            yield pool


def _connected(config: WorkersConfig, address: str) -> Client:
    """Return a client of a running scheduler.

    Raises
    ------
    InputError
        If none answers there, or the certificates cannot be used.
    """
    guard = security(config, "client", "workers.", is_tls=address.startswith("tls://"))
    seconds = config.connect_timeout
    with ThreadPoolExecutor(1) as outside:  # a notebook has a loop of its own in this thread
        asking = asyncio.wait_for(_kind(address, guard), seconds)
        try:
            kind = outside.submit(asyncio.run, asking).result()
            if kind == "Scheduler":
                return Client(address, security=guard, timeout=seconds)
        except OSError:
            kind = "silent"
    found = {
        "silent": f"no Dask scheduler answers within {seconds:g} s (workers.connect_timeout)",
        "Worker": "is a worker's address, and no scheduler's",
        "Nanny": "is a worker's address, and no scheduler's",
    }
    raise InputError(f"workers.scheduler: {address}: {found.get(kind, 'is no Dask scheduler')}")


async def _kind(address: str, guard: Security) -> str:
    """What Dask's server at an address is, once one answers: Scheduler, Worker or Nanny."""
    arguments = guard.get_connection_args("client")
    while True:
        async with rpc(address, timeout=SECONDS_AN_ATTEMPT, connection_args=arguments) as server:
            with contextlib.suppress(OSError):
                return str((await server.identity())["type"])
        await asyncio.sleep(SECONDS_BETWEEN_ATTEMPTS)


@contextlib.contextmanager
def _local_cluster(config: WorkersConfig) -> Iterator[tuple[Client, list[int], Path]]:
    """Context manager: a cluster that this user alone can reach, its workers' cores and folder."""
    count = config.count or local_count(CPU_COUNT, MEMORY_LIMIT)
    with forkserver.without_main_module(), contextlib.ExitStack() as opened:
        try:
            get_mp_context()  # Dask asks, once, for other libraries to be loaded: ours come last
            forkserver.start()
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
                security=temporary_security(),
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
