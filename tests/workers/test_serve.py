"""Where a scheduler and worker processes may listen, and what they say."""

import socket
import subprocess
import sys
import threading

import pytest
from distributed import Security

from mnist_seq.config.commands import WorkerConfig
from mnist_seq.errors import InputError
from mnist_seq.workers.serve import _check_host, run_workers
from tests.experiments.commands import run
from tests.workers.clusters import ROOT, free_port, process

OF_NO_MACHINE = "192.0.2.99"  # RFC 5737: for documentation alone


def test_a_scheduler_on_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        ran = run("scheduler", f"port={port}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.errors == [f"error: host=127.0.0.1 port={port}: Address already in use"]


def test_a_scheduler_at_an_address_of_another_machine_is_one_line() -> None:
    ran = run("scheduler", f"host={OF_NO_MACHINE}", "port=0")
    assert (ran.code, ran.out) == (2, "")
    assert ran.errors == [f"error: host={OF_NO_MACHINE} port=0: Cannot assign requested address"]


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (OF_NO_MACHINE, "Cannot assign requested address"),
        ("two..dots", "label empty or too long"),
        ("127.0.0.1:4000", "must be without a port: each process has one of its own"),
        ("udp://127.0.0.1", "unknown address scheme 'udp' "),
    ],
)
def test_workers_refuse_a_host_where_they_cannot_listen(host: str, reason: str) -> None:
    config = WorkerConfig(scheduler="tcp://127.0.0.1:1", count=1, host=host)
    with pytest.raises(InputError) as refused:
        run_workers(config, lambda: True, print)
    (line,) = refused.value.problems
    assert line.startswith(f"host={host}: {reason}")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "tcp://127.0.0.1"])
def test_a_host_that_dask_takes_is_taken(host: str) -> None:
    _check_host(host, Security())


def test_a_host_is_taken_with_certificates() -> None:
    guard = Security.temporary()
    for host in ("127.0.0.1", "tls://127.0.0.1"):
        _check_host(host, guard)
    with pytest.raises(InputError, match=r"^host=tls://127\.0\.0\.1: TLS expects "):
        _check_host("tls://127.0.0.1", Security())


@pytest.mark.slow
def test_workers_whose_scheduler_ends_say_that_they_wait_and_nothing_else() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    joined = f"1 process(es) work for {address}\n"
    waits = f"waiting for the scheduler at {address}\n"
    command = [sys.executable, "-m", "experiments.worker", address, "count=1"]
    with (
        process("experiments.scheduler", f"port={address.rpartition(':')[2]}") as scheduler,
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as worker,
    ):
        assert worker.stdout is not None
        limit = threading.Timer(300, worker.kill)  # a line that does not come fails, and hangs not
        limit.start()
        said: list[str] = []
        for line in worker.stdout:
            said.append(line)
            if line == joined:
                scheduler.terminate()
            elif line == waits and joined in said:
                worker.terminate()
        limit.cancel()
    assert set(said) == {joined, waits}
