"""Schedulers and workers as processes of this machine, and a link to them that can be cut."""

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from mnist_seq.workers import fingerprint

ROOT = fingerprint.PACKAGE.parent


@contextlib.contextmanager
def process(
    *command: str, folder: Path = ROOT, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class OwnCluster:
    """A scheduler and workers by this project's own commands."""

    def __init__(self, *settings: str) -> None:
        self.port, self._settings = free_port(), settings
        self.address = f"{'tls' if settings else 'tcp'}://127.0.0.1:{self.port}"
        self._processes, self._scheduler = ExitStack(), ExitStack()
        self.start_scheduler()

    def start_scheduler(self) -> None:
        command = ("experiments.scheduler", f"port={self.port}", *self._settings)
        self._scheduler.enter_context(process(*command))

    def kill_scheduler(self) -> None:
        self._scheduler.close()

    def join(self, address: str | None = None) -> None:
        command = ("experiments.worker", address or self.address, "count=1", *self._settings)
        self._processes.enter_context(process(*command))

    def join_plainly(self, *options: str) -> None:
        command = ("distributed.cli.dask_worker", self.address, "--nthreads", "1", *options)
        self._processes.enter_context(process(*command, "--no-dashboard", "--host", "127.0.0.1"))

    def close(self) -> None:
        self._processes.close()
        self._scheduler.close()


class Proxy:
    """A TCP proxy; while it stalls, connections stay open and nothing comes through."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._moves = threading.Event()
        self._moves.set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        self._moves.clear()

    def go_on(self) -> None:
        self._moves.set()

    def close(self) -> None:
        self._listening.close()
        self.go_on()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(taken,), daemon=True).start()

    def _carry(self, taken: socket.socket) -> None:
        with (
            taken,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._to)) as there,
        ):
            other = {taken: there, there: taken}
            while True:
                for source in select.select([taken, there], [], [])[0]:
                    carried = source.recv(2**16)
                    self._moves.wait()
                    if not carried:
                        return
                    other[source].sendall(carried)
