"""The MLflow web UI for a store: start the server, and build URLs of useful pages."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

import psutil

from mnist_seq.addresses.local_port import HOST, bound
from mnist_seq.errors import StoppedError, TrackingError
from mnist_seq.sqlite.database import unwritable
from mnist_seq.tracking.results import Experiment
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.views import ViewKey

_SECONDS_TO_START = 60.0
_SECONDS_TO_END = 10.0
_SECONDS_BETWEEN_LOOKS = 0.1
_DIRECT = build_opener(ProxyHandler({}))  # no proxy knows this machine's own addresses


def ui_command(store: Store, port: int) -> list[str]:
    """The command that serves the store's pages on this machine."""
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", store.address),
        *("--default-artifact-root", store.artifacts.as_uri()),
        *("--host", HOST, "--port", str(port)),
        *("--workers", "1"),
    ]


def local_address(port: int) -> str:
    """The address of a server of this machine's own."""
    return f"http://{HOST}:{port}"


def addresses(experiment: Experiment, server: str) -> dict[str, str]:
    """URLs of the experiment's pages by what they show: prepared views, where there are any."""
    order = f"&orderByKey={quote('metrics.`best_validation_accuracy`')}&orderByAsc=false"
    pages = {
        "curves": f"&compareRunsMode=CHART{_view(experiment, 'trials')}",
        "table": _view(experiment, "trials") or order,
        "reruns": _view(experiment, "reruns"),
        "sensitivity": _view(experiment, "sensitivity"),
    }
    runs = f"{server}/#/experiments/{experiment.id}/runs"
    return {
        name: f"{runs}?workflowType=machine_learning{page}" for name, page in pages.items() if page
    }


@contextlib.contextmanager
def serve_ui(
    store: Store, port: int, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Context manager that runs the MLflow server for the duration of the block.

    Parameters
    ----------
    port : int
        0: any free one.
    is_stopped : callable
        Polled while the server starts.

    Yields
    ------
    int
        The port; pages are there already.
    Popen
        The server; `wait_until_stopped` keeps it serving.

    Raises
    ------
    TrackingError
        If the port is taken or not allowed, or the server does not start.
    StoreError
        If its log cannot be written.
    StoppedError
        If the user stopped it before.
    """
    with bound(port) as (port, _):
        pass  # free a moment ago; the server takes it itself
    command = ui_command(store, port)
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (
        _opened(store.folder / "ui.log") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            _wait(server, port, log.name, is_stopped)
            yield port, server
        finally:
            _end(server)


def wait_until_stopped(server: subprocess.Popen[bytes], is_stopped: Callable[[], bool]) -> None:
    """Return when the user has stopped the command, or the server has ended."""
    while server.poll() is None and not is_stopped():
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and its child processes, which killing it alone would leave running."""
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(server.pid)
        processes = [first, *first.children(recursive=True)]
        server.terminate()
        for left in psutil.wait_procs(processes, timeout=_SECONDS_TO_END)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()


def _view(experiment: Experiment, key: ViewKey) -> str:
    # With a key that it does not know, MLflow would leave the runs for its overview.
    return f"&viewStateShareKey={key}" if key in experiment.views else ""


def _opened(log: Path) -> BinaryIO:
    try:
        return log.open("wb")
    except OSError as error:
        raise unwritable(log.parent, error) from error


def _wait(
    server: subprocess.Popen[bytes], port: int, log: str, is_stopped: Callable[[], bool]
) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until:
        if is_stopped():
            raise StoppedError("stopped")
        if server.poll() is not None:
            break
        try:
            with _DIRECT.open(f"http://{HOST}:{port}/health", timeout=1):
                return
        except OSError:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    raise TrackingError(f"the MLflow server did not start; {log} says why")
