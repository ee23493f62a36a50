import math
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

from mnist_seq.errors import TrackingError
from mnist_seq.tracking.results import Results
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Tracker
from tests.tracking.examples import EXAMPLE_NSF, an_epoch, raises


def test_an_experiment_is_made_once(store: Store, tmp_path: Path) -> None:
    with Tracker(store) as tracker:
        assert tracker.experiment("study") == tracker.experiment("study")
        tracker.describe(tracker.experiment("study"), "**what** is searched")
    study = store.client.get_experiment_by_name("study")
    assert study is not None
    assert study.tags["mlflow.note.content"] == "**what** is searched"
    assert study.tags["mlflow.experimentKind"] == "custom_model_development"
    assert study.artifact_location == (tmp_path / "artifacts" / "study").as_uri()


def test_a_deleted_experiment_and_a_moved_one_are_told(store: Store) -> None:
    client = store.client
    client.delete_experiment(client.create_experiment("gone"))
    client.create_experiment("moved", "file:///elsewhere/artifacts/moved")
    with Tracker(store) as tracker:
        with pytest.raises(TrackingError, match="gone: was deleted"):
            tracker.experiment("gone")
        with pytest.raises(TrackingError, match="moved: keeps its files in file:///elsewhere"):
            tracker.experiment("moved")


@pytest.mark.parametrize(
    ("seconds", "warnings"),
    [(0.5, 0), pytest.param(24, 1, marks=pytest.mark.slow)],  # MLflow itself waits for 20 s
)
def test_a_locked_store_loses_nothing_and_holds_nobody_up(
    store: Store, seconds: float, warnings: int
) -> None:
    told: list[str] = []
    with Tracker(store, told.append) as tracker:
        study = tracker.experiment("study")
        with closing(sqlite3.connect(store.database)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            run = tracker.start(study, "trial 0", "trial", {"model.units": 8}, {})
            for epoch in range(1, 31):
                run.epoch(an_epoch(epoch))
            run.artifact("note.txt", "kept")
            run.finish("FINISHED")
            time.sleep(seconds)
            assert run.id is None  # who waited for the store would wait for this thread's lock
        assert run.created.result(timeout=30) == run.id
    assert len(told) == warnings
    assert run.id is not None
    results = Results(store)
    assert results.curve(run.id) == tuple(an_epoch(epoch) for epoch in range(1, 31))
    assert results.run(run.id).status == "FINISHED"
    assert (store.artifacts / "study" / run.id / "artifacts" / "note.txt").read_text() == "kept"


def test_what_was_stored_but_reported_as_failed_is_not_stored_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("create_run", "log_batch", "create_logged_model", "log_outputs"):
        monkeypatch.setattr(MlflowClient, name, fails_once_too_late(getattr(MlflowClient, name)))
    warnings: list[str] = []
    with Tracker(store, warnings.append) as tracker:
        study = tracker.experiment("study")
        run = tracker.start(study, "trial 0", "trial", {"model.units": 8}, {})
        for epoch in range(1, 4):
            run.epoch(an_epoch(epoch, math.nan))
        run.model(b"a network", EXAMPLE_NSF, ["a", "b"], {})
    assert len(warnings) == 3  # of the model, twice, but told once
    client = store.client
    (stored,) = client.search_runs([study])
    assert [p.step for p in client.get_metric_history(stored.info.run_id, "train_loss")] == [
        1,
        2,
        3,
    ]
    (model,) = client.search_logged_models([study])
    assert stored.outputs is not None
    assert [output.model_id for output in stored.outputs.model_outputs] == [model.model_id]


def fails_once_too_late(method: Callable[..., Any]) -> Callable[..., Any]:
    done = threading.Event()

    def carry_out(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        if not done.is_set():
            done.set()
            raise MlflowException("database is locked", TEMPORARILY_UNAVAILABLE)
        return result

    return carry_out


def test_a_store_that_stays_locked_is_told_on_close(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*args: Any, **kwargs: Any) -> None:
        raise MlflowException("database is locked", TEMPORARILY_UNAVAILABLE)

    tracker = Tracker(store, warn=print, timeout=0.3)
    study = tracker.experiment("study")
    monkeypatch.setattr(MlflowClient, "create_run", locked)
    run = tracker.start(study, "trial 7", "trial", {"model.units": 8}, {})
    run.epoch(an_epoch(1))
    run.epoch(an_epoch(2))
    with pytest.raises(TrackingError) as told:
        tracker.close()
    assert "trial 7: start, trial 7: parameters, trial 7: epoch 1 and 1 more" in str(told.value)
    assert run.created.cancelled()
    assert run.id is None


def test_the_first_error_is_the_one_to_see(store: Store) -> None:
    warnings: list[str] = []

    def command() -> None:
        with Tracker(store, warnings.append) as tracker:
            run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
            run.artifact("a.txt", raises(ValueError("second")))
            raise KeyError("first")

    with pytest.raises(KeyError, match="first"):
        command()
    assert warnings == ["trial 0: a.txt could not be made: second"]


def test_a_run_may_be_taken_up_by_a_later_command(store: Store) -> None:
    with Tracker(store) as tracker:
        run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
        run.epoch(an_epoch(1))
        run.epoch(an_epoch(2, 0.9))
    assert run.id is not None
    with Tracker(store) as tracker:
        again = tracker.reopen(run.id)
        again.epoch(an_epoch(2))  # its state had not been saved
        again.epoch(an_epoch(3))
        again.finish("KILLED")
    results = Results(store)
    assert results.curve(run.id) == (an_epoch(1), an_epoch(2), an_epoch(3))
    assert results.run(run.id).status == "KILLED"
