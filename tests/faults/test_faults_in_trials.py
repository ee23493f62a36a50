import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.faults.sweeps import (
    arguments,
    finish,
    in_mlflow,
    in_optuna,
    start,
    wait_for,
)

FAULTY = "tests.faults.faulty_sweep"


def faulty(folder: Path, *units: int) -> list[str]:
    """One trial for each width, in order, without the baseline and without pruning."""
    return arguments(
        folder,
        "search.baselines=[]",
        "search.sampler=grid",
        "search.pruner=none",
        f"search.trials={len(units)}",
        "~search.space.model",
        "~search.space.training",
        f"+search.space={{model.units:{{choices:{list(units)}}}}}".replace(" ", ""),
        "training.epochs=3",
        "training.batch_size=128",
        "workers.epoch_timeout=25",
        "workers.memory_gib=2.5",
        "search.retries=1",
    )


@pytest.mark.slow
def test_each_fault_costs_its_own_trial_and_is_named(tmp_path: Path) -> None:
    code, output = finish(FAULTY, *faulty(tmp_path, 16, 17, 18, 19, 20, 21))
    assert code == 0, output
    trials = in_optuna(tmp_path)
    states = [trials[number]["state"] for number in range(6)]
    assert states == ["COMPLETE", "FAIL", "FAIL", "FAIL", "FAIL", "COMPLETE"]
    kinds = [(trials[number]["reason"] or "").partition(":")[0] for number in range(6)]
    assert kinds == ["", "not finite", "ValueError", "out of memory", "hang", ""]
    assert [len(trials[number]["curve"]) for number in range(6)] == [3, 1, 1, 1, 1, 3]
    runs = in_mlflow(tmp_path)
    assert [runs[number]["status"] for number in range(6)] == [
        "FINISHED", "FAILED", "FAILED", "FAILED", "FAILED", "FINISHED",
    ]  # fmt: skip
    assert "failed, out of memory: trial 3" in output


@pytest.mark.slow
def test_a_sweep_that_fails_alike_from_the_start_stops_and_says_why(tmp_path: Path) -> None:
    code, output = finish(
        FAULTY,
        *faulty(tmp_path, 18),
        "search.sampler=random",
        "search.trials=4",
        "search.max_failures=2",
        "workers.count=1",
    )
    assert code == 2
    assert "the first 2 trials all failed alike" in output
    assert "ValueError: injected" in output


def workers_of(driver: psutil.Process) -> list[psutil.Process]:
    """Local processes that train, forked from a child of the driver or spawned by it."""
    started = [(" ".join(p.cmdline()), p) for p in driver.children(recursive=True)]
    return [
        process
        for line, process in started
        if "spawn_main" in line or ("forkserver" in line and process.ppid() != driver.pid)
    ]


@pytest.mark.slow
def test_killed_workers_cost_no_trial_and_change_no_curve(tmp_path: Path) -> None:
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    settings = (
        "search.pruner=none",
        "search.sampler=random",
        "search.trials=12",
        "search.retries=100",
        "search.space.training.batch_size.choices=[64]",
    )
    code, output = finish("experiments.sweep", *arguments(calm, *settings))
    assert code == 0, output
    process = start("experiments.sweep", *arguments(stormy, *settings))
    assert process.stdout is not None
    # One that is killed before it could start is one that cannot be started, and ends the sweep.
    assert any(": epoch " in line for line in process.stdout)
    kills = 0
    while process.poll() is None:
        try:
            process.wait(timeout=6)
        except subprocess.TimeoutExpired:
            for worker in workers_of(psutil.Process(process.pid))[:1]:
                worker.kill()
                kills += 1
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert kills > 2, "it was over too soon"
    assert in_optuna(stormy) == in_optuna(calm)
    assert in_mlflow(stormy) == in_mlflow(calm)


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    settings = arguments(tmp_path, "search.trials=4")
    process = start("experiments.sweep", *settings)
    assert process.stdout is not None
    assert any("trial 0: starts" in line for line in process.stdout)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped; the same command goes on" in output
    assert "Traceback" not in output
    code, output = finish("experiments.sweep", *settings)
    assert code == 0
    assert len(in_optuna(tmp_path)) == 4


@pytest.mark.slow
def test_a_second_driver_is_refused_by_the_first_ones_process(tmp_path: Path) -> None:
    settings = arguments(tmp_path, "search.trials=100")  # it is not over when it is stopped
    process = start("experiments.sweep", *settings)
    wait_for((tmp_path / "unfinished" / "faulty" / "driver.pid").exists)
    code, output = finish("experiments.sweep", *settings)
    assert code == 2
    assert output.strip().startswith(f"error: faulty is in use by process {process.pid}")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 130
