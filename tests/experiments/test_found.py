"""What real searches on the digits have found: for other programs, and beside each other."""

import html
import json
import re
import shlex
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from tests.experiments.commands import printed, run

pytestmark = pytest.mark.slow  # half a minute of trainings

SPACE = (
    "search.space.training.batch_size.choices=[28,64]",
    "search.space.training.epochs={low: 3, high: 5}",
)
SMALL = ("data=digits", "workers.count=1", "search.baselines=[{training.epochs: 4}]", *SPACE)
TOLD = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
SETTINGS = {
    "model.units": int,
    "model.return_sequences": bool,
    "model.readout": str,
    "training.learning_rate": float,
    "training.batch_size": int,
    "training.epochs": int,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a finished sweep, whose end was told to a command."""
    made = tmp_path_factory.mktemp("mlruns")
    told = shlex.join([sys.executable, "-S", "-c", TOLD, str(made / "told.json")])
    where = f"tracking.folder={made}"
    printed("sweep", *SMALL, "study=first", "search.trials=6", f"notify={told}", where)
    return made


@pytest.fixture(scope="module")
def exported(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the study's files."""
    target = tmp_path_factory.mktemp("found")
    out = printed("export", "study=first", f"folder={target}", f"tracking.folder={folder}")
    assert out.startswith("first: 6 trials, ")
    return target


@pytest.fixture(scope="module")
def runs(folder: Path) -> pd.DataFrame:
    """What MLflow itself says of the trials' runs, by trial number."""
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    found = mlflow.search_runs(experiment_names=["first"], filter_string="tags.role = 'trial'")
    assert isinstance(found, pd.DataFrame)
    return found.set_index(found["tags.trial_number"].astype(int)).sort_index()


@pytest.mark.parametrize("name", ["trials", "curves"])
def test_both_files_of_a_table_are_read_back_as_the_same_table(exported: Path, name: str) -> None:
    kept = pd.read_parquet(exported / f"{name}.parquet")
    dtypes = kept.dtypes.to_dict()
    text = pd.read_csv(exported / f"{name}.csv", dtype=dtypes)
    pd.testing.assert_frame_equal(kept, text, check_exact=True)
    assert {"Int64", "float64", "string"} <= set(map(str, dtypes.values()))


def test_the_trials_are_what_mlflow_says_of_their_runs(exported: Path, runs: pd.DataFrame) -> None:
    trials = pd.read_parquet(exported / "trials.parquet").set_index("trial")
    assert list(trials.index) == list(runs.index) == [0, 1, 2, 3, 4, 5]
    assert list(trials["run_id"]) == list(runs["run_id"])
    assert list(trials["state"]) == list(runs["tags.trial_state"])
    for column, metric in {
        "value": "best_validation_accuracy",
        "best_epoch": "trained_epochs_to_best",
        "epochs": "trained_epochs",
        "seconds": "trained_seconds",
        "parameters": "trained_parameters",
    }.items():
        ours, theirs = (
            frame.to_numpy(float) for frame in (trials[column], runs[f"metrics.{metric}"])
        )
        np.testing.assert_array_equal(ours, theirs)
    for path, kind in SETTINGS.items():
        known = trials[path].notna()
        told = [kind(v == "true" if kind is bool else v) for v in runs[f"params.{path}"][known]]
        assert list(trials[path][known]) == told
    inactive = ~trials["model.return_sequences"]
    assert list(trials["model.readout"].isna()) == list(inactive)


def test_the_curves_are_the_histories_of_mlflows_metrics(
    exported: Path, runs: pd.DataFrame
) -> None:
    curves = pd.read_parquet(exported / "curves.parquet")
    client = mlflow.MlflowClient()
    for number, run_id in runs["run_id"].items():
        curve = curves[curves["trial"] == number]
        for column, metric in {
            "train_loss": "train_loss",
            "validation_accuracy": "validation_accuracy",
            "learning_rate": "train_learning_rate",
        }.items():
            history = client.get_metric_history(run_id, metric)
            points = sorted((point.step, point.value) for point in history)
            assert list(zip(curve["epoch"], curve[column], strict=True)) == points


def test_the_end_of_the_search_was_told_and_to_whom_is_kept_nowhere(
    folder: Path, runs: pd.DataFrame
) -> None:
    told = json.loads((folder / "told.json").read_text())
    assert told["state"] == "complete"
    assert told["best_value"] == runs["metrics.best_validation_accuracy"][told["best_trial"]]
    assert sum(told["trials"][state] for state in ("complete", "pruned", "failed")) == 6
    assert Path(told["folder"]) == folder
    sweeps = mlflow.search_runs(experiment_names=["first"], filter_string="tags.role = 'sweep'")
    assert isinstance(sweeps, pd.DataFrame)
    assert "search.trials=6" in sweeps["tags.command"][0]
    kept = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".keras"]
    assert folder / "reports" / "first.html" in kept
    target = str(folder / "told.json").encode()
    assert [file.name for file in kept if target in file.read_bytes()] == []


def test_one_format_is_written_into_the_folder_of_reports(folder: Path) -> None:
    printed("export", "format=csv", f"tracking.folder={folder}")
    written = sorted(file.name for file in (folder / "reports" / "first").iterdir())
    assert written == ["curves.csv", "trials.csv"]


def test_a_folder_that_is_a_file_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    ran = run("export", f"folder={tmp_path / 'file'}", f"tracking.folder={folder}")
    assert ran.code == 2
    assert ran.errors == [
        f"error: {tmp_path / 'file' / 'trials.csv'}: cannot be written (Not a directory)"
    ]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture(scope="module")
def beside(folder: Path) -> str:
    """What is printed of the study beside another one, which went another way."""
    others = ("search.sampler=random", "training.optimizer=nadam", "search.trials=2")
    where = f"tracking.folder={folder}"
    printed("sweep", *SMALL, "study=second", *others, where)
    return printed("compare", "studies=[first,second]", where)


def test_two_studies_are_one_page_and_a_text_that_say_the_same(folder: Path, beside: str) -> None:
    text = " ".join(beside.split())
    assert text.startswith("A: first B: second ")
    # And the commit, where somebody edits a file meanwhile.
    assert re.search("differ in training.optimizer, search.trials(,| and) search.sampler", text)
    assert re.search(r"[AB]'s best, trial \d with \d\d\.\d\d %, is ", text)
    assert "on 144 validation images." in text
    page = (folder / "reports" / "first-against-second.html").read_text()
    lead = re.search(r'<p class="lede">(.*?)</p>', page)
    assert lead is not None
    assert html.unescape(lead[1]).replace("\N{NO-BREAK SPACE}", " ") in text


def test_the_page_is_made_again_of_the_two_latest_studies(
    folder: Path, beside: str, tmp_path: Path
) -> None:
    out = printed("compare", f"file={tmp_path / 'a.html'}", f"tracking.folder={folder}")
    assert out.startswith("A: second\nB: first\n")
    assert (tmp_path / "a.html").exists()


@pytest.mark.parametrize(
    ("studies", "error"),
    [
        ("[first,nobody]", "no study nobody in "),
        ("[first,first]", "studies: names first twice"),
        ("first,second", "studies: several are written as studies=[first,second]"),
        ("[first]", "studies: must name two to six studies, as in studies=[a,b] (got ['first'])"),
    ],
)
def test_what_cannot_be_compared_is_one_line(folder: Path, studies: str, error: str) -> None:
    ran = run("compare", f"studies={studies}", f"tracking.folder={folder}")
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.errors
    assert line.startswith(f"error: {error}")
