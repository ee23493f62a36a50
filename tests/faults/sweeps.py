"""Sweeps as a user runs them, in processes of their own, and what the two databases say after."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
STUDY = "faulty"
TIMINGS = {"seconds", "images_per_second"}


def arguments(folder: Path, *overrides: str) -> list[str]:
    """A small sweep on the digits, in a folder of its own."""
    return ["data=digits", f"study={STUDY}", f"tracking.folder={folder}", *overrides]


def start(module: str, *overrides: str) -> "subprocess.Popen[str]":
    """A command in a process group of its own, so that a signal reaches nothing else."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *overrides],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"COLUMNS": "200"},
    )


def finish(module: str, *overrides: str, timeout: float = 300) -> tuple[int, str]:
    """Exit code and output of a command that is left alone."""
    process = start(module, *overrides)
    output, _ = process.communicate(timeout=timeout)
    return process.returncode, output


def kill_after(seconds: float, module: str, *overrides: str) -> bool:
    """Start a command and kill its driver after some time; False if it was done before."""
    process = start(module, *overrides)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False


def trials_begun(folder: Path) -> int:
    """How many trials Optuna has, read without Optuna, which would help to make the database."""
    try:
        with contextlib.closing(sqlite3.connect(folder / "optuna.db")) as connection:
            return int(connection.execute("SELECT count(*) FROM trials").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def in_optuna(folder: Path, server: str | None = None) -> dict[int, dict[str, Any]]:
    """Each trial as Optuna has it: state, parameters, values reported, curve without timings."""
    storage = server or f"sqlite:///{folder / 'optuna.db'}"
    study = optuna.load_study(study_name=STUDY, storage=storage)
    return {
        trial.number: {
            "state": trial.state.name,
            "params": trial.params,
            "reported": trial.intermediate_values,
            "reason": trial.user_attrs.get("reason"),
            "curve": [
                {name: value for name, value in record.items() if name not in TIMINGS}
                for record in trial.user_attrs.get("records", [])
            ],
        }
        for trial in study.get_trials()
    }


def in_mlflow(folder: Path, server: str | None = None) -> dict[int, dict[str, Any]]:
    """Each trial as MLflow has it; two runs of one trial are an error."""
    results = Workspace(TrackingConfig(folder=str(folder), uri=server)).results
    runs = results.runs(results.experiment(STUDY), "trial")
    numbers = [int(run.tags["trial_number"]) for run in runs]
    assert len(numbers) == len(set(numbers)), f"a trial has two runs: {sorted(numbers)}"
    found = {}
    for number, run in zip(numbers, runs, strict=True):
        points = results._store.client.get_metric_history(run.id, "validation_loss")
        steps = [point.step for point in points]
        assert steps == sorted(set(steps)), f"trial {number}: epochs doubled or out of order"
        found[number] = {
            "status": run.status,
            "curve": [
                {name: value for name, value in asdict(record).items() if name not in TIMINGS}
                for record in results.curve(run.id)
            ],
        }
    return found


def wait_for(condition: Any, seconds: float = 300) -> None:
    """Until a condition holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)
