"""The commands as a user types them, one after the other, on the digits."""

import re
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.data.load import load
from mnist_seq.driver.workspace import Workspace
from mnist_seq.tracking.results import Results, StoredRun
from tests.examples import config, sweep_config
from tests.experiments.commands import printed, run_alone

SWEEP = (
    "data=digits",
    "study=whole",
    "search.trials=4",
    "search.space.training.batch_size.choices=[28,64]",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a finished sweep of four trials."""
    made = tmp_path_factory.mktemp("mlruns")
    out = printed("sweep", *SWEEP, f"tracking.folder={made}", "tracking.system_metrics=true")
    assert "python -m experiments.rerun study=whole" in out
    return made


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return Workspace(TrackingConfig(folder=str(folder))).results


def trials(results: Results) -> dict[int, StoredRun]:
    runs = results.runs(results.experiment("whole"), "trial")
    return {int(run.tags["trial_number"]): run for run in runs}


def test_every_trial_is_a_flat_run_with_its_values_its_curve_and_its_files(
    results: Results, folder: Path
) -> None:
    runs = trials(results)
    assert sorted(runs) == [0, 1, 2, 3]
    for run in runs.values():
        assert run.status == "FINISHED"
        assert len(results.curve(run.id)) == run.metrics["trained_epochs"]
        assert results.config(run.id)["model"]["units"] == run.params["model.units"]
        files = folder / "artifacts" / "whole" / run.id / "artifacts"
        assert (files / "curves.svg").read_text().startswith("<svg")
        assert (run.model_id is not None) == (run.tags["trial_state"] == "complete")


def test_trial_0_is_the_original_network_and_is_never_pruned(results: Results) -> None:
    first = trials(results)[0]
    assert first.params["model.units"] == 50
    assert first.params["training.batch_size"] == 28
    assert first.params["training.learning_rate"] == 0.001
    assert first.params["model.return_sequences"] is False
    assert results.config(first.id)["training"]["schedule"] == "constant"
    assert first.tags["trial_state"] == "complete"


def test_the_sweeps_own_run_leads_to_its_trials_and_back(results: Results) -> None:
    (sweep,) = results.runs(results.experiment("whole"), "sweep")
    assert {run.tags["sweep_run"] for run in trials(results).values()} == {sweep.id}
    assert sweep.tags["command"].startswith("python -m experiments.sweep data=digits")
    for run in (sweep, *trials(results).values()):
        assert {"data_digest", "seed", "python", "version_keras"} <= run.tags.keys()


def test_the_machines_load_is_written_once_and_not_for_each_trial(results: Results) -> None:
    (sweep,) = results.runs(results.experiment("whole"), "sweep")
    assert 0 < sweep.metrics["system/system_memory_usage_percentage"] < 100
    names = {name for run in trials(results).values() for name in run.metrics}
    assert not [name for name in names if name.startswith("system/")]


def test_the_same_command_again_trains_nothing_and_says_how_to_add_trials(
    results: Results, folder: Path
) -> None:
    before, client = trials(results)[0], results._store.client
    client.delete_tag(before.id, "trial_state")  # as of a driver that told Optuna, and was lost
    client.update_run(before.id, status="RUNNING")
    out = printed("sweep", *SWEEP, f"tracking.folder={folder}")
    after = trials(results)[0]
    assert (after.id, after.status, after.tags["trial_state"]) == (
        before.id,
        "FINISHED",
        "complete",
    )
    assert "all of them are done; search.trials=24 adds more" in out
    # The training is that of all sessions, the time beside it that of this one.
    assert re.search(r"\d+ epochs, \d+:\d\d of training \(\d+:\d\d since it went on\)", out)


def test_a_rerun_reproduces_the_curve_and_scores_the_saved_model(
    results: Results, folder: Path
) -> None:
    out = printed("rerun", "study=whole", f"tracking.folder={folder}")
    assert "reproduced exactly" in out
    told = re.search(r"test accuracy (\d+\.\d\d) %", out)
    assert told is not None
    study = results.experiment("whole")
    assert study.views == {"trials", "reruns"}
    (rerun,) = results.runs(study, "rerun")
    assert float(told[1]) == pytest.approx(100 * rerun.metrics["test_accuracy"], abs=0.005)
    # The model that MLflow holds, on raw pixels.
    test = load(sweep_config("data=digits").data).test
    assert test is not None
    model = mlflow.pyfunc.load_model(str(results.model_file(rerun.id).parents[1]))
    labels_N = np.array([int(answer["label"]) for answer in model.predict(test.images_NSF)])
    assert (labels_N == test.labels_N).mean() == rerun.metrics["test_accuracy"]


def test_the_report_is_one_page_and_a_file_of_the_sweeps_run(
    results: Results, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "found.html"
    printed("report", "study=whole", f"file={file}", f"tracking.folder={folder}")
    (sweep,) = results.runs(results.experiment("whole"), "sweep")
    kept = folder / "artifacts" / "whole" / sweep.id / "artifacts" / "report.html"
    assert kept.read_text() == file.read_text()
    assert "<html" in file.read_text()


def test_one_training_is_tracked_the_same_way(results: Results, folder: Path) -> None:
    where = [f"tracking.folder={folder}", "tracking.system_metrics=true"]
    printed("train", "data=digits", "name=mine", "training.epochs=2", *where)
    (run,) = results.runs(results.experiment("mine"), "training")
    assert len(results.curve(run.id)) == 2
    assert run.model_id is not None
    assert 0 < run.metrics["system/system_memory_usage_percentage"] < 100


@pytest.mark.slow
def test_a_rerun_that_differs_says_what_is_not_as_it_was(folder: Path) -> None:
    # Instructions that round twice where others round once.
    ran = run_alone(
        "rerun", "study=whole", f"tracking.folder={folder}", XLA_FLAGS="--xla_cpu_max_isa=SSE4_2"
    )
    out = " ".join(ran.out.split())
    assert "not reproduced exactly: differs from epoch 1 on" in out
    assert re.search(r"since then xla_flags was \S.*, is --xla_cpu_max_isa=SSE4_2", out)


def write_csv(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    pd.DataFrame(rows).to_csv(path, header=False, index=False)


@pytest.mark.slow
def test_mnist_as_csv_trains_to_the_same_curve_bit_for_bit(tmp_path: Path) -> None:
    whole = load(config("data=mnist", "data.validation_split=tail").data)
    assert whole.test is not None
    pool = [
        np.concatenate([getattr(whole.train, name), getattr(whole.validation, name)])
        for name in ("images_NSF", "labels_N")
    ]
    write_csv(tmp_path / "train.csv", *pool)
    write_csv(tmp_path / "test.csv", whole.test.images_NSF, whole.test.labels_N)
    curves = []
    files = [f"data.{part}_file={tmp_path / part}.csv" for part in ("train", "test")]
    for name, data in (("packed", ["data=mnist"]), ("csv", ["data=csv", *files])):
        store = f"tracking.folder={tmp_path / 'mlruns'}"
        printed("train", *data, f"name={name}", "training.epochs=2", store)
        results = Workspace(TrackingConfig(folder=str(tmp_path / "mlruns"))).results
        (run,) = results.runs(results.experiment(name), "training")
        curves.append(results.curve(run.id))
    assert len(curves[0]) == 2
    assert all(a.same_curve(b) for a, b in zip(*curves, strict=True))


@pytest.mark.slow
def test_a_rerun_with_seeds_confirms_both_the_best_and_the_baseline(
    results: Results, folder: Path
) -> None:
    complete = [n for n, run in trials(results).items() if run.tags["trial_state"] == "complete"]
    chosen = max(complete)
    study = results.experiment("whole")
    before = {run.id for run in results.runs(study, "rerun")}
    out = printed("rerun", "study=whole", f"trial={chosen}", "seeds=3", f"tracking.folder={folder}")
    reruns = [run for run in results.runs(study, "rerun") if run.id not in before]
    of_baseline = [run for run in reruns if run.params.get("baseline")]
    ours = [run for run in reruns if not run.params.get("baseline")]
    assert {run.params["seed"] for run in ours} == {0, 1, 2}
    assert {run.params["seed"] for run in of_baseline} == {0, 1, 2}
    assert len(reruns) == 6
    # Trial 0 is this config with this seed.
    again = next(run for run in of_baseline if run.params["seed"] == 0)
    first = results.curve(trials(results)[0].id)
    assert all(a.same_curve(b) for a, b in zip(results.curve(again.id), first, strict=True))
    for runs, what in ((ours, "test accuracy"), (of_baseline, "the baseline's")):
        scores = [100 * run.metrics["test_accuracy"] for run in runs]
        assert f"{what} {np.mean(scores):.2f} ± {np.std(scores, ddof=1):.2f} %" in out
    assert "points against the baseline on the same seeds, 95 % interval" in out
    assert "all 3 networks, mean of their probabilities" in out
    assert "2 fresh seeds" in out
