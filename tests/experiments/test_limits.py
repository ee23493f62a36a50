"""A sweep within limits, whole, on the digits: what is trained, and what infeasible trials are."""

from pathlib import Path

import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.tracking.results import StoredRun
from tests.experiments.commands import printed, run

pytestmark = pytest.mark.slow  # half a minute of trainings

# Digits are 8 rows of 8 pixels: 8 units have 4 * 8 * 17 + 90 = 634 parameters, 16 have 1,770, and
# 40 have 8,250.
SWEEP = (
    "data=digits",
    "study=limited",
    "search.trials=4",
    "search.baselines=[{model.units: 40}, {model.units: 16}]",
    "search.pruner=none",
    "training.epochs=2",
    "search.space={model: {units: {choices: [8, 16, 40, 60, 80]}}}",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlruns")


@pytest.fixture(scope="module")
def said(folder: Path) -> str:
    """What a sweep has printed that trains no network of more than 5,000 parameters."""
    return printed("sweep", *SWEEP, "search.limits.parameters=5000", f"tracking.folder={folder}")


def runs(folder: Path) -> dict[int, StoredRun]:
    results = Workspace(TrackingConfig(folder=str(folder))).results
    return dict(results.trials(results.experiment("limited")))


def test_no_network_beyond_the_limit_is_trained(said: str, folder: Path) -> None:
    known = runs(folder)
    assert len(known) == 4
    trained = {number: run for number, run in known.items() if "trained_epochs" in run.metrics}
    assert sorted(trained) == [1, 2, 3]
    assert {run.params["model.units"] for run in trained.values()} <= {8, 16}
    assert all(run.metrics["trained_parameters"] <= 5000 for run in trained.values())
    assert "3 trials complete, 0 pruned, 0 failed, 1 infeasible" in " ".join(said.split())
    assert "infeasible, beyond search.limits.parameters: trial 0" in said


def test_mlflow_and_the_report_name_the_infeasible_trial(said: str, folder: Path) -> None:
    beyond = runs(folder)[0]
    assert beyond.name == "trial 0 (infeasible)"
    assert (beyond.status, beyond.tags["trial_state"]) == ("FINISHED", "infeasible")
    assert beyond.tags["reason"] == "parameters: 8,250 (at most 5,000)"
    page = (folder / "reports" / "limited.html").read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "infeasible, baseline" in page
    assert "1 of 4 trials was infeasible (25 %): 1 beyond search.limits.parameters." in page


def test_other_limits_label_the_same_trials_anew(said: str, folder: Path) -> None:
    narrower = "search.limits.parameters=1000"
    again = printed("sweep", *SWEEP, narrower, f"tracking.folder={folder}")
    wide = [n for n, run in runs(folder).items() if run.params["model.units"] == 16]
    assert 1 in wide
    assert {runs(folder)[number].name for number in wide} == {
        f"trial {number} (infeasible)" for number in wide
    }
    assert runs(folder)[1].tags["reason"] == "parameters: 1,770 (at most 1,000)"
    assert f"{1 + len(wide)} infeasible" in " ".join(again.split())
    freed = printed("sweep", *SWEEP, f"tracking.folder={folder}")
    assert "tried again: trial 0, which had broken an earlier limit" in freed
    assert [run.tags["trial_state"] for run in runs(folder).values()] == ["complete"] * 4
    assert runs(folder)[0].name == "trial 0"
    assert runs(folder)[0].metrics["trained_parameters"] == 8250


def test_a_trial_that_is_too_slow_ends_after_its_first_epoch(folder: Path) -> None:
    ran = run(
        "sweep",
        "data=digits",
        "study=slow",
        "search.trials=2",
        "search.space={training: {learning_rate: {low: 0.001, high: 0.01}}}",
        "search.limits.seconds_per_epoch=0.000001",
        "training.epochs=3",
        f"tracking.folder={folder}",
    )
    assert ran.code == 2
    (line,) = ran.errors
    assert line.startswith("error: search.limits: broken by all 2 trials, the last one seconds_per")
    results = Workspace(TrackingConfig(folder=str(folder))).results
    for _, beyond in results.trials(results.experiment("slow")):
        assert beyond.tags["trial_state"] == "infeasible"
        assert len(results.curve(beyond.id)) == 1
        assert "best_validation_accuracy" not in beyond.metrics
