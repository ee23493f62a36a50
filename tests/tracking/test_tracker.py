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

from mnist_seq.config import Scalar, TrackingConfig
from mnist_seq.errors import TrackingError
from mnist_seq.tracking.results import Results
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Tracker
from tests.tracking.examples import EXAMPLE_NSF, an_epoch


def test_every_epoch_is_stored_once_in_order_with_its_step_and_its_own_time(
    tracking: TrackingConfig,
) -> None:
    with Tracker(tracking) as tracker:
        study = tracker.experiment("study")
        runs = [tracker.start(study, f"trial {n}", "trial", {}, {}) for n in range(2)]
        for epoch in range(1, 201):
            for run in runs:
                run.epoch(an_epoch(epoch))
            if epoch == 100:
                time.sleep(0.2)
    client = Store.at(tracking).open()
    for run in runs:
        assert run.id is not None
        history = client.get_metric_history(run.id, "validation_accuracy")
        assert [point.step for point in history] == list(range(1, 201))
        times = [point.timestamp for point in history]
        assert times == sorted(times)
        assert times[100] - times[99] >= 200  # milliseconds: when it was, not when it was stored


def test_trials_are_flat_and_carry_their_parameters_as_they_were(tracking: TrackingConfig) -> None:
    params: dict[str, Scalar] = {f"setting.{n}": n for n in range(250)}  # beyond a batch's limit
    params |= {"training.learning_rate": 1e-5, "training.clip_norm": None, "model.deep": False}
    with Tracker(tracking) as tracker:
        study = tracker.experiment("study")
        run = tracker.start(study, "trial 0", "trial", params, {"optuna.trial_number": "0"})
    assert run.id is not None
    stored = Store.at(tracking).open().get_run(run.id)
    assert "mlflow.parentRunId" not in stored.data.tags
    assert stored.data.params["training.clip_norm"] == "null"
    assert Results(tracking).run(run.id).params == params


def test_an_experiment_is_made_once(tracking: TrackingConfig, tmp_path: Path) -> None:
    with Tracker(tracking) as tracker:
        assert tracker.experiment("study") == tracker.experiment("study")
        tracker.describe(tracker.experiment("study"), "**what** is searched")
    study = Store.at(tracking).open().get_experiment_by_name("study")
    assert study is not None
    assert study.tags["mlflow.note.content"] == "**what** is searched"
    assert study.tags["mlflow.experimentKind"] == "custom_model_development"
    assert study.artifact_location == (tmp_path / "artifacts" / "study").as_uri()


@pytest.mark.parametrize(
    ("seconds", "warnings"),
    [(2, 0), pytest.param(24, 1, marks=pytest.mark.slow)],  # MLflow itself waits for 20 s
)
def test_a_locked_store_loses_nothing_and_holds_nobody_up(
    tracking: TrackingConfig, seconds: float, warnings: int
) -> None:
    store = Store.at(tracking)
    told: list[str] = []
    with Tracker(tracking, told.append) as tracker:
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
    results = Results(tracking)
    assert results.curve(run.id) == tuple(an_epoch(epoch) for epoch in range(1, 31))
    assert results.run(run.id).status == "FINISHED"
    assert (store.artifacts / "study" / run.id / "artifacts" / "note.txt").read_text() == "kept"


def test_what_was_stored_but_reported_as_failed_is_not_stored_twice(
    tracking: TrackingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("create_run", "log_batch", "create_logged_model", "log_outputs"):
        monkeypatch.setattr(MlflowClient, name, fails_once_too_late(getattr(MlflowClient, name)))
    warnings: list[str] = []
    with Tracker(tracking, warnings.append) as tracker:
        study = tracker.experiment("study")
        run = tracker.start(study, "trial 0", "trial", {"model.units": 8}, {})
        for epoch in range(1, 4):
            run.epoch(an_epoch(epoch, math.nan))
        run.model(b"a network", EXAMPLE_NSF, ["a", "b"], {})
    assert len(warnings) == 3  # of the model, twice, but told once
    client = Store.at(tracking).open()
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
    tracking: TrackingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*args: Any, **kwargs: Any) -> None:
        raise MlflowException("database is locked", TEMPORARILY_UNAVAILABLE)

    tracker = Tracker(tracking, warn=print, patience=0.3)
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


def test_a_run_that_the_user_deletes_is_dropped_with_one_warning(tracking: TrackingConfig) -> None:
    warnings: list[str] = []
    with Tracker(tracking, warnings.append) as tracker:
        run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
        Store.at(tracking).open().delete_run(run.created.result(timeout=30))
        run.epoch(an_epoch(1))
        tracker.flush()
        run.epoch(an_epoch(2))
        run.finish("FINISHED")
    assert warnings == ["trial 0: was deleted; the rest of it is not stored"]


def test_an_artifact_that_cannot_be_made_is_not_hidden(tracking: TrackingConfig) -> None:
    tracker = Tracker(tracking)
    run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
    run.artifact("figures/a.png", _raises(FileNotFoundError("font")))
    with pytest.raises(RuntimeError, match=r"trial 0: figures/a\.png could not be made: font"):
        tracker.close()


def test_the_first_error_is_the_one_to_see(tracking: TrackingConfig) -> None:
    warnings: list[str] = []

    def command() -> None:
        with Tracker(tracking, warnings.append) as tracker:
            run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
            run.artifact("a.txt", _raises(ValueError("second")))
            raise KeyError("first")

    with pytest.raises(KeyError, match="first"):
        command()
    assert warnings == ["trial 0: a.txt could not be made: second"]


def _raises(error: Exception) -> Callable[[], str]:
    def make() -> str:
        raise error

    return make


def test_a_run_may_be_taken_up_by_a_later_command(tracking: TrackingConfig) -> None:
    with Tracker(tracking) as tracker:
        run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
        run.epoch(an_epoch(1))
        run.epoch(an_epoch(2, 0.9))
    assert run.id is not None
    with Tracker(tracking) as tracker:
        again = tracker.reopen(run.id)
        again.epoch(an_epoch(2))  # its state had not been saved
        again.epoch(an_epoch(3))
        again.finish("KILLED")
    results = Results(tracking)
    assert results.curve(run.id) == (an_epoch(1), an_epoch(2), an_epoch(3))
    assert results.run(run.id).status == "KILLED"


def test_a_single_value_may_not_have_the_name_of_a_curve(tracking: TrackingConfig) -> None:
    with Tracker(tracking) as tracker:
        run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
        with pytest.raises(ValueError, match="train_loss: is a curve"):
            run.metrics({"train_loss": 0.5})
