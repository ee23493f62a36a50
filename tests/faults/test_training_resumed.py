import os
import signal
from pathlib import Path

import numpy as np
import pytest

from mnist_seq import training
from mnist_seq.checkpoint import Checkpoints
from mnist_seq.config import TrackingConfig
from mnist_seq.tracking.results import Results
from tests.examples import config, few
from tests.faults.sweeps import finish, start, wait_for


def test_twenty_epochs_interrupted_after_the_seventh_equal_twenty_in_a_row(tmp_path: Path) -> None:
    twenty = config("training.epochs=20", "model.dropout=0.2", "training.schedule=cosine")
    data, kept = few(), Checkpoints(tmp_path)
    for record, state in training.train(twenty, data):
        if record.epoch == 7:
            kept.save_state(0, state)
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


@pytest.mark.slow
def test_a_stopped_train_command_goes_on_in_the_same_run(tmp_path: Path) -> None:
    def command(folder: Path) -> list[str]:
        epochs = "training.epochs=400"
        return ["data=digits", "name=long", epochs, f"tracking.folder={folder}"]

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert finish("experiments.train", *command(whole))[0] == 0
    process = start("experiments.train", *command(stopped))

    def some_epochs() -> bool:
        if not (stopped / "mlflow.db").exists():
            return False
        results = Results(TrackingConfig(folder=str(stopped)))
        runs = [run for study in results.studies() for run in results.runs(study)]
        return bool(runs) and len(results.curve(runs[0].id)) >= 7

    wait_for(some_epochs)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    code, output = finish("experiments.train", *command(stopped))
    assert code == 0, output
    curves = []
    for folder in (whole, stopped):
        results = Results(TrackingConfig(folder=str(folder)))
        (run,) = results.runs(results.study("long"), "training")
        curves.append(results.curve(run.id))
        assert run.status == "FINISHED"
    assert len(curves[0]) == 400
    assert all(a.same_curve(b) for a, b in zip(*curves, strict=True))
