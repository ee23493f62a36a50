import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.sweeps import (
    arguments,
    finish,
    in_mlflow,
    in_optuna,
    start,
    trials_begun,
    wait_for,
)

SWEEP = "experiments.sweep"


def assert_nothing_is_lost(folder: Path, trials: int) -> None:
    known, runs = in_optuna(folder), in_mlflow(folder)
    assert sorted(known) == sorted(runs) == list(range(trials))
    for number, trial in known.items():
        assert trial["state"] in {"COMPLETE", "PRUNED"}
        assert runs[number] == {"status": "FINISHED", "curve": trial["curve"]}


@pytest.mark.slow
def test_an_mlflow_store_that_is_locked_for_30_seconds_loses_nothing(tmp_path: Path) -> None:
    process = start(SWEEP, *arguments(tmp_path, "search.trials=8"))
    wait_for(lambda: trials_begun(tmp_path) > 1)  # the baseline is there before anything runs
    before = trials_begun(tmp_path)
    with sqlite3.connect(tmp_path / "mlflow.db", timeout=60) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        time.sleep(30)
        meanwhile = trials_begun(tmp_path)
        lock.rollback()
    lock.close()
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert meanwhile > before, "training stood still while the store was locked"
    assert_nothing_is_lost(tmp_path, 8)


@pytest.mark.slow
def test_an_optuna_store_that_is_locked_for_10_seconds_loses_nothing(tmp_path: Path) -> None:
    process = start(SWEEP, *arguments(tmp_path, "search.trials=4"))
    wait_for(lambda: trials_begun(tmp_path))
    with sqlite3.connect(tmp_path / "optuna.db", timeout=60) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        time.sleep(10)
        lock.rollback()
    lock.close()
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert_nothing_is_lost(tmp_path, 4)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 12 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("mounting a file system needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_told_in_a_line_and_the_same_command_goes_on(small_disk: Path) -> None:
    settings = arguments(small_disk / "mlruns", "search.trials=5", "search.pruner=none")
    filler = small_disk / "filler"
    process = start(SWEEP, *settings)
    wait_for(lambda: trials_begun(small_disk / "mlruns"))
    try:
        with filler.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
    except OSError:
        pass
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 2, output
    assert "Traceback" not in output
    assert "error: " in output
    filler.unlink()
    code, output = finish(SWEEP, *settings)
    assert code == 0, output
    assert_nothing_is_lost(small_disk / "mlruns", 5)


@pytest.mark.slow
def test_a_checkpoint_with_a_wrong_byte_costs_its_epochs_and_nothing_else(tmp_path: Path) -> None:
    calm, hurt = tmp_path / "calm", tmp_path / "hurt"
    settings = ("search.trials=2", "workers.count=1", "search.pruner=none")
    code, output = finish(SWEEP, *arguments(calm, *settings))
    assert code == 0, output
    process = start(SWEEP, *arguments(hurt, *settings))
    wait_for(lambda: trials_begun(hurt))
    os.kill(process.pid, signal.SIGINT)  # saves the state of the trial that runs
    process.communicate(timeout=60)
    for state in (hurt / "unfinished" / "faulty").glob("*.state"):
        content = bytearray(state.read_bytes())
        content[len(content) // 2] ^= 1
        state.write_bytes(content)
    code, output = finish(SWEEP, *arguments(hurt, *settings))
    assert code == 0, output
    assert in_optuna(hurt) == in_optuna(calm)
    assert in_mlflow(hurt) == in_mlflow(calm)
