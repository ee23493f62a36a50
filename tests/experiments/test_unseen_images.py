"""The test images change nothing but what ``rerun`` says, and each network meets them once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.data.digits import read_digits
from mnist_seq.driver.workspace import Workspace
from mnist_seq.network.training import predict
from mnist_seq.tracking.results import StoredRun
from mnist_seq.workers.pool import Workers
from tests.experiments.commands import printed

SWEEP = (
    "study=unseen",
    "search.trials=2",
    "search.baselines=[]",
    "search.pruner=none",
    "search.space={model: {units: {low: 4, high: 12}}, training: {epochs: {low: 1, high: 2}}}",
)
TIMES = ("seconds", "images_per_second")


def written(path: Path, start: int, stop: int, shift: int = 0) -> Path:
    """A file of some digits; with a shift, their labels are others."""
    images = read_digits().pool.take(slice(start, stop))
    pixels_NP = images.images_NSF.reshape(len(images), 64)
    table_NP = np.column_stack([(images.labels_N + shift) % 10, pixels_NP])
    header = ",".join(["label", *(f"pixel{n}" for n in range(64))])
    np.savetxt(path, table_NP, fmt="%d", delimiter=",", header=header, comments="")
    return path


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one for each network that answers to images outside of its training."""
    seen, call = [], Workers.call

    def noted(workers: Workers, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        if function is predict:
            seen.append("a network")
        return call(workers, function, *given, **named)

    monkeypatch.setattr(Workers, "call", noted)
    return seen


def runs(folder: Path) -> list[StoredRun]:
    results = Workspace(TrackingConfig(folder=str(folder))).results
    return [run for name in ("unseen", "one") for run in results.runs(results.experiment(name))]


def all_that_is_chosen_by(folder: Path, train: Path, test: Path) -> list[Any]:
    """What every command but rerun stores: settings, metrics, curves, the network's answers."""
    data = ["data=csv", f"data.train_file={train}", f"data.test_file={test}"]
    where = ["workers.count=1", f"tracking.folder={folder}"]
    printed("sweep", *SWEEP, *data, *where)
    printed("train", "name=one", "model.units=5", "training.epochs=2", *data, *where)
    printed("sensitivity", "values.model.units=[3]", *where)
    printed("inspect", "images=1", where[1])
    printed("report", where[1])
    results = Workspace(TrackingConfig(folder=str(folder))).results
    stored: list[Any] = []
    for run in runs(folder):
        metrics = {name: value for name, value in run.metrics.items() if not name.endswith(TIMES)}
        curve = [(each.train_loss, each.validation_loss) for each in results.curve(run.id)]
        answers = results.file(run.id, "inspect/validation/results.csv")
        text = answers.read_text() if answers.exists() else ""
        stored.append((run.name, run.params, metrics, curve, text))
    return stored


@pytest.mark.slow
def test_other_test_images_change_nothing_but_what_rerun_says(
    tmp_path: Path, scored: list[str]
) -> None:
    train = written(tmp_path / "train.csv", 0, 200)
    as_they_are = written(tmp_path / "test.csv", 200, 260)
    named_wrongly = written(tmp_path / "wrong.csv", 200, 260, shift=1)
    known = all_that_is_chosen_by(tmp_path / "a", train, as_they_are)
    others = all_that_is_chosen_by(tmp_path / "b", train, named_wrongly)
    assert known == others
    assert len(known) == 1 + 2 + 4 + 1  # the sweep's own, trials, variations, a training
    assert sum(bool(answers) for *_, answers in known) == 1
    assert not [name for _, _, metrics, *_ in known for name in metrics if "test" in name]
    assert scored == []

    scores = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        printed("rerun", "seeds=2", "workers.count=1", f"tracking.folder={folder}")
        reruns = [run for run in runs(folder) if run.role == "rerun"]
        scores.append([run.metrics["test_accuracy"] for run in reruns])
        assert len(scores[-1]) == 2
    assert scores[0] != scores[1], "else this test could not fail"
    assert len(scored) == 4


def test_each_network_is_scored_once(tmp_path: Path, scored: list[str]) -> None:
    where = ("workers.count=1", f"tracking.folder={tmp_path}")
    printed("sweep", "data=digits", "training.learning_rate=0.02", *SWEEP, *where)
    assert scored == []
    printed("rerun", "top=2", "seeds=2", *where)
    assert len(scored) == 4
    workspace = Workspace(TrackingConfig(folder=str(tmp_path)))
    study = workspace.results.experiment("unseen")
    for run in workspace.results.runs(study):
        points = workspace.store.client.get_metric_history(run.id, "test_accuracy")
        assert len(points) == (run.role == "rerun")
