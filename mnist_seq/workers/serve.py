"""Run Dask's scheduler for a cluster, or a machine's worker processes for one.

What `open_workers` needs of them is set; `dask scheduler` and `dask worker` work as well.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeAlias

import dask
from dask.system import CPU_COUNT
from distributed import Nanny, Scheduler, Security
from distributed.comm import get_address_host_port, listen
from distributed.comm.addressing import address_from_user_args
from distributed.system import MEMORY_LIMIT
from distributed.utils import silence_logging_cmgr

from mnist_seq.config.commands import SchedulerConfig, WorkerConfig
from mnist_seq.errors import InputError
from mnist_seq.workers import forkserver
from mnist_seq.workers.certificates import security
from mnist_seq.workers.cores import local_count, taken_cores
from mnist_seq.workers.dask_settings import DASK_SETTINGS
from mnist_seq.workers.one_core import OneCore
from mnist_seq.workers.waiting import SECONDS_IN_SILENCE

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_BETWEEN_ATTEMPTS = 1.0

IsStopped: TypeAlias = Callable[[], bool]
Say: TypeAlias = Callable[[str], None]


def quiet_dask() -> AbstractContextManager[None]:
    """Context manager: Dask's log, tracebacks and all, is not written."""
    return silence_logging_cmgr(logging.CRITICAL + 1)  # type: ignore[no-any-return]


@contextlib.contextmanager
def open_scheduler(config: SchedulerConfig) -> Iterator[tuple[str, Callable[[IsStopped], None]]]:
    """Context manager: run a Dask scheduler.

    Yields
    ------
    str
        Its address.
    callable
        Returns when it is told to stop.

    Raises
    ------
    InputError
        If it cannot listen there, or a certificate cannot be used.
    """
    is_tls = config.ca_file is not None
    guard = security(config, "scheduler", is_tls=is_tls)
    with quiet_dask(), dask.config.set(DASK_SETTINGS), asyncio.Runner() as runner:
        try:
            scheduler = runner.run(_scheduler(config, guard, is_tls=is_tls))
        except (OSError, RuntimeError, ValueError) as error:
            reason = _reason(error)
            raise InputError(f"host={config.host} port={config.port}: {reason}") from None
        try:
            yield scheduler.address, lambda is_stopped: runner.run(_until(is_stopped))
        finally:
            runner.run(scheduler.close())


async def _scheduler(config: SchedulerConfig, guard: Security, *, is_tls: bool) -> Scheduler:
    return await Scheduler(
        host=config.host,
        port=config.port,
        protocol="tls" if is_tls else "tcp",
        security=guard,
        dashboard=False,
        dashboard_address="127.0.0.1:0",
    )


def _reason(error: BaseException) -> object:
    """What a failure comes from; Dask's own words are that something failed to start."""
    while error.__cause__ is not None:
        error = error.__cause__
    return getattr(error, "strerror", None) or error


async def _until(is_stopped: IsStopped) -> None:
    while not is_stopped():
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def worker_count(config: WorkerConfig) -> int:
    """Return how many processes a machine runs for a cluster."""
    return config.count or local_count(CPU_COUNT, MEMORY_LIMIT)


def run_workers(config: WorkerConfig, is_stopped: IsStopped, say: Say) -> None:
    """Work for a scheduler, one single-threaded process a core, until told to stop.

    A scheduler that is not there, or not there any more, is waited for.

    Raises
    ------
    InputError
        If a certificate cannot be used, or processes cannot listen at ``host``.
    FaultError
        If this machine cannot start processes.
    """
    guard = security(config, "worker", is_tls=config.scheduler.startswith("tls://"))
    count = worker_count(config)
    if config.host is not None:
        _check_host(config.host, guard)
    with (
        quiet_dask(),
        dask.config.set(DASK_SETTINGS),
        forkserver.without_main_module(),
        taken_cores(count) as cores,
    ):
        forkserver.start()
        asyncio.run(_Processes(config, guard, cores, say).run(count, is_stopped))


def _check_host(host: str, guard: Security) -> None:
    """Raise an InputError if Dask cannot listen on the host; a nanny would retry for ever."""
    try:
        asyncio.run(_listen(host, guard))
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"host={host}: {_reason(error)}") from None


async def _listen(host: str, guard: Security) -> None:
    address = address_from_user_args(host=host, security=guard)
    if get_address_host_port(address)[1]:
        raise ValueError("must be without a port: each process has one of its own")
    async with listen(address, lambda _: None, **guard.get_listen_args("worker")):
        pass


class _Processes:
    """The nannies of a machine's worker processes, each started again when it has ended."""

    def __init__(self, config: WorkerConfig, guard: Security, cores: list[int], say: Say) -> None:
        self._config, self._guard, self._cores, self._say = config, guard, cores, say
        self._started: dict[int, Nanny] = {}
        self._joined: set[int] = set()
        self._name = f"{socket.gethostname()}-{os.getpid()}"

    async def run(self, count: int, is_stopped: IsStopped) -> None:
        tasks = [asyncio.create_task(self._keep(number)) for number in range(count)]
        tasks.append(asyncio.create_task(self._tell(count)))
        stop = asyncio.create_task(_until(is_stopped))
        done, _ = await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in (stop, *tasks):
            task.cancel()
        await asyncio.gather(stop, *tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _keep(self, number: int) -> None:
        while True:
            with contextlib.suppress(OSError, RuntimeError):  # it did not start, for want of one
                await self._one(number)
            await asyncio.sleep(SECONDS_BETWEEN_ATTEMPTS)

    async def _one(self, number: int) -> None:
        name = f"{self._name}-{number}"
        nanny = Nanny(
            self._config.scheduler,
            name=name,
            nthreads=1,
            memory_limit=0,
            host=self._config.host,
            security=self._guard,
            dashboard=False,
            plugins=[OneCore({name: self._cores[number]} if self._cores else {})],
            silence_logs=logging.CRITICAL + 1,
        )
        self._started[number] = nanny
        try:
            await nanny
            self._joined.add(number)
            await nanny.finished()
        finally:
            self._joined.discard(number)
            del self._started[number]
            await nanny.close()

    async def _tell(self, count: int) -> None:
        """Say when all processes have joined, and when none of them has a scheduler any more."""
        told, silent = -1, 0.0
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            # A nanny starts its process when it has reached the scheduler.
            is_reached = any(nanny.pid for nanny in self._started.values())
            silent = 0.0 if is_reached else silent + SECONDS_BETWEEN_LOOKS
            if len(self._joined) == count != told:
                self._say(f"{count} process(es) work for {self._config.scheduler}")
                told = count
            elif told != 0 and silent > SECONDS_IN_SILENCE:
                self._say(f"waiting for the scheduler at {self._config.scheduler}")
                told = 0
