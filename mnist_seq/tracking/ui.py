"""The MLflow web UI for a store: start the server, and build URLs of useful pages."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote
from urllib.request import urlopen

from mnist_seq.database import unwritable
from mnist_seq.errors import TrackingError
from mnist_seq.tracking.store import Store

_HOST = "127.0.0.1"  # MLflow asks nobody who they are: not for other machines
_SECONDS_TO_START = 60.0


def ui_command(store: Store, port: int) -> list[str]:
    """The command that serves the store's pages on this machine."""
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", store.address),
        *("--default-artifact-root", store.artifacts.as_uri()),
        *("--host", _HOST, "--port", str(port)),
        *("--workers", "1"),
    ]


def charts_address(experiment_id: str, port: int) -> str:
    """URL of the page that charts the metrics of the experiment's runs."""
    return f"{_runs_page(experiment_id, port)}&compareRunsMode=CHART"


def table_address(experiment_id: str, port: int, metric: str, ascending: bool = False) -> str:
    """URL of the table of the experiment's runs, sorted by a metric."""
    key, order = quote(f"metrics.`{metric}`"), str(ascending).lower()
    return f"{_runs_page(experiment_id, port)}&orderByKey={key}&orderByAsc={order}"


@contextmanager
def serve_ui(store: Store, port: int) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Context manager that runs the MLflow server for the duration of the block.

    Parameters
    ----------
    port : int
        0: any free one.

    Yields
    ------
    int
        The port; pages are there already.
    Popen
        The server; ``wait()`` for it to keep serving.

    Raises
    ------
    TrackingError
        If the port is taken or the server does not start.
    StoreError
        If its log cannot be written.
    """
    port = _free(port)
    command = ui_command(store, port)
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (
        _opened(store.folder / "ui.log") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            _wait(server, port, log.name)
            yield port, server
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def _runs_page(experiment_id: str, port: int) -> str:
    address = f"http://{_HOST}:{port}/#/experiments/{experiment_id}/runs"
    return f"{address}?workflowType=machine_learning"


def _opened(log: Path) -> BinaryIO:
    try:
        return log.open("wb")
    except OSError as error:
        raise unwritable(log.parent, error) from error


def _free(port: int) -> int:
    with socket.socket() as probe:
        # Where a port just left stays reserved for a minute, the server may take it all the same.
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise TrackingError(
                f"port {port} is taken; choose another with port=..., or port=0 for any free one"
            ) from error
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], port: int, log: str) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(f"http://{_HOST}:{port}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise TrackingError(f"the MLflow server did not start; {log} says why")
