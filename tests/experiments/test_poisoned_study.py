"""A study whose trials an earlier version noted as failed, where the machine was to blame."""

from pathlib import Path
from typing import Any

import pytest

from mnist_seq.config.settings import Config, TrackingConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.driver import session
from mnist_seq.driver.workspace import Workspace
from mnist_seq.network import training
from mnist_seq.records import TrainingState, TrainResult
from mnist_seq.workers import pool
from mnist_seq.workers.tasks import TrainingFunctions
from tests.experiments.commands import Ran, run


def cannot_write(config: Config, data: Dataset, state: TrainingState) -> TrainResult:
    raise OSError(28, "No space left on device", "/tmp/tmpab12/model.keras")


def swept(folder: Path, *overrides: str) -> Ran:
    return run(
        "sweep",
        "data=digits",
        "study=poisoned",
        "search.pruner=none",
        "search.trials=2",
        "~search.space.training.epochs",
        "training.epochs=2",
        "workers.count=1",
        f"tracking.folder={folder}",
        *overrides,
    )


def trials(folder: Path) -> list[dict[str, Any]]:
    """Each trial as both databases have it."""
    workspace = Workspace(TrackingConfig(folder=str(folder)))
    finished = {done.number: done for done in workspace.finished_trials("poisoned")}
    runs = workspace.results.runs(workspace.results.experiment("poisoned"), "trial")
    by_number = {int(run.tags["trial_number"]): run for run in runs}
    assert len(by_number) == len(runs), "a trial has two runs"
    return [
        {
            "optuna": finished[number].state if number in finished else None,
            "mlflow": run.status,
            "name": run.name,
            "reason": (run.tags.get("reason", ""), getattr(finished.get(number), "reason", None)),
            "epochs": len(workspace.results.curve(run.id)),
        }
        for number, run in sorted(by_number.items())
    ]


@pytest.mark.slow
def test_a_poisoned_study_is_mended_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (training.warm_up, training.begin, training.advance, cannot_write)
    with monkeypatch.context() as full:
        full.setattr(session, "FUNCTIONS", TrainingFunctions(*steps))
        ended = swept(tmp_path)
        assert ended.code == 2
        assert len(ended.errors) == 1
        assert "/tmp/tmpab12/model.keras" in ended.errors[0]
        assert [trial["optuna"] for trial in trials(tmp_path)] == [None], "none has failed"
        full.setattr(pool, "is_environmental", lambda *_: False)  # as in earlier versions
        assert "2 failed" in swept(tmp_path).out
    assert [trial["optuna"] for trial in trials(tmp_path)] == ["failed"] * 2
    mended = swept(tmp_path)
    assert (mended.code, mended.errors) == (0, [])
    assert "tried again: trial 0, 1" in mended.out
    assert trials(tmp_path) == [
        {
            "optuna": "complete",
            "mlflow": "FINISHED",
            "name": f"trial {number}",
            "reason": ("", None),
            "epochs": 2,
        }
        for number in (0, 1)
    ]
