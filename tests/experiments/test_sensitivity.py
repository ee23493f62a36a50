"""The command that changes one hyperparameter at a time, on the digits."""

import os
import signal
from pathlib import Path

import pandas as pd
import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.tracking.results import Results, StoredRun
from tests.experiments.commands import printed, run
from tests.faults.sweeps import finish, start, wait_for

SWEEP = (
    "data=digits",
    "study=small",
    "search.trials=2",
    "search.baselines=[]",
    "search.pruner=none",
    "training.learning_rate=0.02",
    "search.space={model: {units: {low: 4, high: 12}}, training: {epochs: {low: 1, high: 2}}}",
)


def results_of(folder: Path) -> Results:
    return Workspace(TrackingConfig(folder=str(folder))).results


def varied(folder: Path) -> list[StoredRun]:
    results = results_of(folder)
    return results.runs(results.experiment("small"), "sensitivity")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a sweep of two trials."""
    made = tmp_path_factory.mktemp("mlruns")
    printed("sweep", *SWEEP, f"tracking.folder={made}")
    return made


@pytest.fixture(scope="module")
def said(folder: Path) -> str:
    """What the first analysis of it has printed."""
    return printed("sensitivity", f"tracking.folder={folder}")


@pytest.mark.slow
def test_each_hyperparameter_has_its_finding_and_every_training_is_a_run(
    said: str, folder: Path
) -> None:
    assert "- model.units: " in said
    assert "- training.epochs: " in said
    runs = varied(folder)
    configs = len({(run.tags["hyperparameter"], run.tags["setting"]) for run in runs})
    assert len(runs) == 2 * configs
    assert f"{configs} configs, 2 seeds each" in said
    results = results_of(folder)
    best = results.run(runs[0].tags["varied_from"])
    for each in runs:
        assert each.status == "FINISHED"
        assert each.params["seed"] in {1, 2}, "the search's own seed is 0"
        changed = {
            p for p in ("model.units", "training.epochs") if each.params[p] != best.params[p]
        }
        assert changed == {each.tags["hyperparameter"]} - {"none"}
        assert "test_accuracy" not in each.metrics


@pytest.mark.slow
def test_the_page_and_the_values_belong_to_the_varied_run(said: str, folder: Path) -> None:
    page = next(folder.glob("reports/*-sensitivity.html"))
    assert str(page) in said.replace("\n", "")
    runs = varied(folder)
    files = results_of(folder).file(runs[0].tags["varied_from"], ".")
    assert (files / "sensitivity.html").read_text() == page.read_text()
    table = pd.read_csv(files / "sensitivity.csv")
    told = sorted(run.metrics["best_validation_accuracy"] for run in runs)
    assert sorted(table["validation_accuracy"]) == pytest.approx(told)


@pytest.mark.usefixtures("said")
@pytest.mark.slow
def test_what_was_trained_is_not_trained_again(folder: Path) -> None:
    before = varied(folder)
    out = printed("sensitivity", f"tracking.folder={folder}", "seeds=3")
    assert f"{len(before)} of {len(before) * 3 // 2} trainings are done; going on" in out
    new = [run for run in varied(folder) if run.id not in {run.id for run in before}]
    assert {run.params["seed"] for run in new} == {3}
    again = printed("sensitivity", f"tracking.folder={folder}", "seeds=3")
    assert "trainings are done\n" in again
    assert len(varied(folder)) == len(before) + len(new)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["values.model.unit=[4]"], "error: values.model.unit: is not a setting; did you mean"),
        (["values.model.units=[0]"], "error: values.model.units: must be at least 1 (got 0)"),
        (["pairs=[[model.units]]"], "error: pairs.0: "),
        (["seeds=1"], "error: seeds: must be at least 2 (got 1)"),
        (["values.data.split_seed=[5]"], "error: values.data.split_seed: with 5 the validation"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], line: str, folder: Path) -> None:
    ran = run("sensitivity", f"tracking.folder={folder}", *words)
    assert ran.code == 2
    assert len(ran.errors) == 1
    assert ran.errors[0].startswith(line)


@pytest.mark.slow
def test_killed_in_the_middle_the_same_command_trains_only_the_rest(tmp_path: Path) -> None:
    folder = f"tracking.folder={tmp_path}"
    printed("sweep", *SWEEP, folder)
    command = ["experiments.sensitivity", folder, "values.training.epochs=[30,60]", "seeds=4"]
    process = start(*command)
    wait_for(lambda: sum(run.status == "FINISHED" for run in varied(tmp_path)) >= 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    ended = {run.id: run.end for run in varied(tmp_path) if run.status == "FINISHED"}
    assert 3 <= len(ended) < 12
    assert finish(*command)[0] == 0
    runs = {run.id: run for run in varied(tmp_path)}
    assert len(runs) == 12
    assert all(run.status == "FINISHED" for run in runs.values())
    client = Workspace(TrackingConfig(folder=str(tmp_path))).store.client
    for each in runs.values():  # no epoch twice
        steps = [point.step for point in client.get_metric_history(each.id, "train_loss")]
        assert steps == list(range(1, int(each.metrics["trained_epochs"]) + 1))
    assert {run_id: runs[run_id].end for run_id in ended} == ended
