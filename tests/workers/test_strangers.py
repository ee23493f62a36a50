"""What another user of the same machine can do to a sweep: nothing."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from distributed import LocalCluster

from mnist_seq.workers.pool import Workers

ROOT = Path(__file__).resolve().parents[2]


def may_others_enter(path: Path) -> bool:
    """Whether every folder on the way lets other users through."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


pytestmark = pytest.mark.skipif(
    sys.platform != "linux"
    or os.getuid() != 0
    or not all(may_others_enter(path) for path in (ROOT / "tests", Path(sys.executable))),
    reason="takes a second user, who may read this project and its Python",
)


def family() -> list[psutil.Process]:
    return [psutil.Process(), *psutil.Process().children(recursive=True)]


def listening() -> set[int]:
    """TCP ports of this process and of all that it has started."""
    return {
        connection.laddr.port
        for process in family()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def opened_by_a_stranger(ports: set[int]) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.workers.stranger", *map(str, sorted(ports))],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return set(done.stdout.splitlines())


def test_no_port_opens_to_another_user(both_free: Workers) -> None:
    ports = listening()
    assert len(ports) >= 5, "the scheduler, two workers and their nannies"
    assert opened_by_a_stranger(ports) == set()


def test_a_stranger_comes_in_where_nobody_is_asked() -> None:
    with LocalCluster(
        n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs="CRITICAL"
    ) as cluster:
        port = int(cluster.scheduler_address.rpartition(":")[2])
        page = int(cluster.dashboard_link.rpartition(":")[2].partition("/")[0])
        opened = opened_by_a_stranger({port, page})
    assert opened == {f"{port}: a client", f"{port}: a worker", f"{page}: a browser"}


def test_no_socket_of_the_session_can_be_reached(both_free: Workers) -> None:
    sockets = [
        Path(connection.laddr)
        for process in family()
        for connection in process.net_connections("unix")
        if connection.status == psutil.CONN_NONE and str(connection.laddr).startswith("/")
    ]
    assert sockets, "the fork server's"
    assert not any(may_others_enter(path) for path in sockets)
