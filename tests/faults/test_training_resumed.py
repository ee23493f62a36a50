import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.checkpoints import Checkpoints
from mnist_seq.driver.workspace import Workspace
from mnist_seq.network import training
from mnist_seq.tracking.results import StoredRun
from mnist_seq.tracking.tracker import Role
from tests.examples import config, few
from tests.faults.sweeps import finish, start, wait_for


def test_twenty_epochs_interrupted_after_the_seventh_equal_twenty_in_a_row(tmp_path: Path) -> None:
    twenty = config("training.epochs=20", "model.dropout=0.2", "training.schedule=cosine")
    data, kept = few(), Checkpoints(tmp_path)
    for record, state in training.train(twenty, data):
        if record.epoch == 7:
            kept.save_state(0, state, data.digests)
    resumed = kept.state(0)
    assert resumed is not None
    assert resumed.epoch == 7
    while resumed.epoch < 20:
        _, resumed = training.advance(twenty, data, resumed)
    assert all(a.same_curve(b) for a, b in zip(state.records, resumed.records, strict=True))
    for name in ("weights", "optimizer", "best_weights"):
        whole, taken_up = getattr(state, name), getattr(resumed, name)
        assert whole.keys() == taken_up.keys()
        assert all(np.array_equal(whole[path], taken_up[path]) for path in whole)


# Ctrl-C as `kill` sends it, and the end of a job as `timeout` and batch systems send it: to all.
@pytest.mark.slow
@pytest.mark.parametrize(("send", "kind"), [(os.kill, signal.SIGINT), (os.killpg, signal.SIGTERM)])
def test_a_stopped_train_command_goes_on_in_the_same_run(
    send: Callable[[int, int], None], kind: int, tmp_path: Path
) -> None:
    def command(folder: Path) -> list[str]:
        epochs = "training.epochs=400"
        return ["data=digits", "name=long", epochs, f"tracking.folder={folder}"]

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert finish("experiments.train", *command(whole))[0] == 0
    process = start("experiments.train", *command(stopped))

    def some_epochs() -> bool:
        if not (stopped / "mlflow.db").exists():
            return False
        results = Workspace(TrackingConfig(folder=str(stopped))).results
        runs = [run for experiment in results.experiments() for run in results.runs(experiment)]
        return bool(runs) and len(results.curve(runs[0].id)) >= 7

    wait_for(some_epochs)
    send(process.pid, kind)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert list(stopped.glob("unfinished/*/000000.state")), "its state was fetched at the end"
    code, output = finish("experiments.train", *command(stopped))
    assert code == 0, output
    curves = []
    for folder in (whole, stopped):
        results = Workspace(TrackingConfig(folder=str(folder))).results
        (run,) = results.runs(results.experiment("long"), "training")
        curves.append(results.curve(run.id))
        assert run.status == "FINISHED"
    assert len(curves[0]) == 400
    assert all(a.same_curve(b) for a, b in zip(*curves, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM])
def test_a_rerun_that_ended_after_a_seed_trains_it_no_more(kind: int, tmp_path: Path) -> None:
    def runs(role: Role) -> list[StoredRun]:
        results = Workspace(TrackingConfig(folder=str(tmp_path))).results
        return results.runs(results.experiment("long"), role)

    def scores(output: str) -> list[str]:
        return re.findall(r"\d+\.\d\d ± .*seeds \(.*\)", output)

    def over() -> int:
        return sum(run.status == "FINISHED" for run in runs("rerun"))

    folder = f"tracking.folder={tmp_path}"
    code, output = finish(
        "experiments.train", "data=digits", "name=long", "training.epochs=50", folder
    )
    assert code == 0, output
    again = (f"run={runs('training')[0].id}", "seeds=3", "workers.count=1", folder)
    code, whole = finish("experiments.rerun", *again)
    assert code == 0, whole
    process = start("experiments.rerun", *again)
    wait_for(lambda: over() >= 3 + 1)
    process.send_signal(kind)
    process.communicate(timeout=60)
    assert over() < 3 + 3, "it was stopped too late"
    code, output = finish("experiments.rerun", *again)
    assert code == 0, output
    assert scores(output) == scores(whole) != []
    numbers = [run.tags["trial_number"] for run in runs("rerun")]
    assert numbers == 2 * ["0", "1", "2"], "no seed was trained anew, none of the first rerun"
    results = Workspace(TrackingConfig(folder=str(tmp_path))).results
    curves = [results.curve(run.id) for run in runs("rerun")]
    for a, b in zip(curves[:3], curves[3:], strict=True):
        assert len(a) == 50
        assert all(x.same_curve(y) for x, y in zip(a, b, strict=True))
