import time

import pytest

from mnist_seq.config.settings import Scalar
from mnist_seq.tracking.results import Results
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Tracker
from tests.tracking.examples import an_epoch, raises


def test_every_epoch_is_stored_once_in_order_with_its_step_and_its_own_time(
    store: Store,
) -> None:
    with Tracker(store) as tracker:
        study = tracker.experiment("study")
        runs = [tracker.start(study, f"trial {n}", "trial", {}, {}) for n in range(2)]
        for epoch in range(1, 201):
            for run in runs:
                run.epoch(an_epoch(epoch))
            if epoch == 100:
                time.sleep(0.2)
    client = store.client
    for run in runs:
        assert run.id is not None
        history = client.get_metric_history(run.id, "validation_accuracy")
        assert [point.step for point in history] == list(range(1, 201))
        times = [point.timestamp for point in history]
        assert times == sorted(times)
        assert times[100] - times[99] >= 200  # milliseconds: when it was, not when it was stored


def test_trials_are_flat_and_carry_their_parameters_as_they_were(store: Store) -> None:
    params: dict[str, Scalar] = {f"setting.{n}": n for n in range(250)}  # beyond a batch's limit
    params |= {"training.learning_rate": 1e-5, "training.clip_norm": None, "model.deep": False}
    with Tracker(store) as tracker:
        study = tracker.experiment("study")
        run = tracker.start(study, "trial 0", "trial", params, {"optuna.trial_number": "0"})
    assert run.id is not None
    stored = store.client.get_run(run.id)
    assert "mlflow.parentRunId" not in stored.data.tags
    assert stored.data.params["training.clip_norm"] == "null"
    assert Results(store).run(run.id).params == params


def test_a_run_that_the_user_deletes_is_dropped_with_one_warning(store: Store) -> None:
    warnings: list[str] = []
    with Tracker(store, warnings.append) as tracker:
        run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
        store.client.delete_run(run.created.result(timeout=30))
        run.epoch(an_epoch(1))
        tracker.flush()
        run.epoch(an_epoch(2))
        run.finish("FINISHED")
    assert warnings == ["trial 0: was deleted; the rest of it is not stored"]


def test_an_artifact_that_cannot_be_made_is_not_hidden(store: Store) -> None:
    tracker = Tracker(store)
    run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
    run.artifact("figures/a.png", raises(FileNotFoundError("font")))
    with pytest.raises(RuntimeError, match=r"trial 0: figures/a\.png could not be made: font"):
        tracker.close()


def test_a_single_value_may_not_have_the_name_of_a_curve(store: Store) -> None:
    with Tracker(store) as tracker:
        run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
        with pytest.raises(ValueError, match="train_loss: is a curve"):
            run.metrics({"train_loss": 0.5})
