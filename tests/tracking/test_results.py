import math
from pathlib import Path

import pytest

from mnist_seq.config.settings import Scalar, scalar_text
from mnist_seq.errors import TrackingError
from mnist_seq.tracking.results import Results, parse_scalar
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Tracker
from tests.tracking.examples import an_epoch


def test_the_latest_experiment_is_the_one_whose_search_started_last(store: Store) -> None:
    with Tracker(store) as tracker:
        for name, role in (("first", "sweep"), ("second", "sweep"), ("third", "training")):
            tracker.start(tracker.experiment(name), name, role, {}, {})  # type: ignore[arg-type]
            tracker.flush()
    results = Results(store)
    assert results.latest_experiment().name == "second"


def test_runs_come_back_as_plain_values_by_role(store: Store) -> None:
    with Tracker(store) as tracker:
        study = tracker.experiment("study")
        tracker.start(study, "search", "sweep", {}, {})
        run = tracker.start(study, "trial 0", "trial", {"model.units": 8}, {"optuna.study": "s"})
        run.epoch(an_epoch(1))
        run.metrics({"best_validation_accuracy": 0.9, "seconds": 12})
        run.tags({"trial_state": "PRUNED"})
        run.config({"model": {"units": 8}, "training": {"learning_rate": 1e-5, "epochs": 2}})
        run.finish("FINISHED")
    results = Results(store)
    (trial,) = results.runs(results.experiment("study"), "trial")
    assert len(results.runs(results.experiment("study"))) == 2
    assert results.run(trial.id) == trial
    assert (trial.name, trial.status, trial.role) == ("trial 0", "FINISHED", "trial")
    assert trial.params == {"model.units": 8}
    assert trial.tags == {"optuna.study": "s", "trial_state": "PRUNED", "role": "trial"}
    assert trial.metrics["best_validation_accuracy"] == 0.9
    assert trial.metrics["seconds"] == 12
    assert trial.end is not None
    assert trial.start <= trial.end
    assert results.config(trial.id) == {
        "model": {"units": 8},
        "training": {"learning_rate": 1e-5, "epochs": 2},
    }


def test_losses_that_are_not_finite_come_back_as_they_were(store: Store) -> None:
    with Tracker(store) as tracker:
        run = tracker.start(tracker.experiment("study"), "trial 0", "trial", {}, {})
        for epoch, loss in enumerate((math.inf, -math.inf, math.nan), start=1):
            run.epoch(an_epoch(epoch, loss))
        run.metrics({"best_validation_loss": math.nan})
    assert run.id is not None
    assert math.isnan(Results(store).run(run.id).metrics["best_validation_loss"])
    losses = [record.validation_loss for record in Results(store).curve(run.id)]
    assert losses[:2] == [math.inf, -math.inf]
    assert math.isnan(losses[2])


def test_what_is_not_there_is_told_in_one_line(store: Store, tmp_path: Path) -> None:
    results = Results(store)
    with pytest.raises(TrackingError, match=r"no study yet in .*: start with python -m"):
        results.latest_experiment()
    with pytest.raises(TrackingError, match=f"no study mnist in {tmp_path}$"):
        results.experiment("mnist")
    with Tracker(store) as tracker:
        run = tracker.start(tracker.experiment("mnist-tpe"), "training", "training", {}, {})
    with pytest.raises(
        TrackingError,
        match=r"no study mnist-tp in .* \(there are mnist-tpe\); did you mean mnist-tpe",
    ):
        results.experiment("mnist-tp")
    with pytest.raises(TrackingError, match=r"no run 0{32} in"):
        results.run("0" * 32)
    assert run.id is not None
    with pytest.raises(TrackingError, match=r"config\.yaml cannot be read"):
        results.config(run.id)
    with pytest.raises(TrackingError, match="has no model"):
        results.model_file(run.id)


@pytest.mark.parametrize("value", [True, False, None, 0, -3, 1e-05, 0.1, 1e22, "adam", "1.2.3", ""])
def test_a_setting_comes_back_as_it_was(value: Scalar) -> None:
    back = parse_scalar(scalar_text(value))
    assert back == value
    assert type(back) is type(value)
