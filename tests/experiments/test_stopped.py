"""Ctrl-C in a terminal reaches every process of a command: at any time it is one line."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from tests.experiments.commands import ROOT
from tests.faults.sweeps import start, wait_for


def catches_signals(process: "subprocess.Popen[str]") -> bool:
    """Whether a process handles stop signals: SIGTERM is none that Python itself would catch."""
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (caught,) = (line.split()[1] for line in status if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def of_group(group: int) -> list[psutil.Process]:
    """Processes of a group that still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def stopped(process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> str:
    """What a command says that is stopped with all of its processes; none of them stays."""
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    wait_for(lambda: not of_group(process.pid), 30)
    return output


def sweep(folder: Path) -> "subprocess.Popen[str]":
    return start("experiments.sweep", "data=digits", f"tracking.folder={folder}")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("command", ["sweep", "inspect", "ui", "draw"])
def test_ctrl_c_while_libraries_load_is_one_line(command: str, tmp_path: Path) -> None:
    process = start(f"experiments.{command}", f"tracking.folder={tmp_path}")
    wait_for(lambda: catches_signals(process))
    assert stopped(process) == "stopped\n"


@pytest.mark.slow
def test_ctrl_c_while_the_databases_are_made_is_one_line(tmp_path: Path) -> None:
    process = sweep(tmp_path / "new")
    wait_for((tmp_path / "new").exists)
    assert stopped(process) == "stopped\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking folder with one study."""
    folder = tmp_path_factory.mktemp("store")
    Workspace(TrackingConfig(folder=str(folder)), create=True).store.client.create_experiment("x")
    return folder


@pytest.mark.parametrize(
    ("number", "is_up", "code", "said"),
    [
        (signal.SIGINT, False, 130, "stopped\n"),
        pytest.param(signal.SIGHUP, False, 130, "stopped\n", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, True, 0, "", marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, True, 0, "", marks=pytest.mark.slow),
    ],
)
def test_a_stopped_ui_takes_its_server_along(
    number: int, is_up: bool, code: int, said: str, store: Path
) -> None:
    (store / "ui.log").unlink(missing_ok=True)
    process = start("experiments.ui", "study=x", "port=0", f"tracking.folder={store}")
    assert process.stdout is not None
    wait_for(lambda: (store / "ui.log").exists() or process.poll() is not None)
    if is_up:
        while "ends it" not in process.stdout.readline():
            assert process.poll() is None
    process.send_signal(number)  # to this process alone
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (code, said)
    assert not of_group(process.pid)


@pytest.mark.slow
@pytest.mark.parametrize("tenths", [*range(5, 60, 5), *range(60, 150, 15)])
def test_ctrl_c_at_any_moment_is_quiet(tenths: int, tmp_path: Path) -> None:
    process = sweep(tmp_path)
    time.sleep(tenths / 10)
    output = stopped(process)
    assert "Traceback" not in output
    assert [line for line in output.splitlines() if line.startswith("stopped")]


@pytest.mark.parametrize(
    ("arguments", "code", "errors"),
    [
        (["sweep", "--cfg", "job"], 141, ""),
        (["report", "--help"], 141, ""),
        (["sweep", "model.units=0"], 2, "error: model.units: must be at least 1 (got 0)\n"),
    ],
)
def test_an_output_that_nobody_reads_is_no_error(
    arguments: list[str], code: int, errors: str
) -> None:
    name, *rest = arguments
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", f"experiments.{name}", *rest],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (code, errors)


def test_a_full_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "experiments.ui", "--help"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "error: cannot write: No space left on device\n")


@pytest.mark.parametrize(
    ("script", "typed", "at_home"),
    [("sweep", ["study=a b", "x"], True), ("inspect", ["--help"], False), ("ui", ["-h"], False)],
)
def test_a_command_run_as_a_file_says_how_it_is_run(
    script: str, typed: list[str], at_home: bool, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "experiments" / f"{script}.py"), *typed],
        cwd=ROOT if at_home else tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    command = line.removeprefix("error: type ")
    end = subprocess.run(
        ["bash", "-c", command.replace("python", sys.executable, 1) + " 2>&1 | head -c 300"],
        cwd=ROOT if at_home else tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No module" not in end.stdout
    assert shlex.split(command)[-len(typed) :] == typed
