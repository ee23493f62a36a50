"""Images that changed under the name of their file are refused; a file that moved goes on."""

import contextlib
import gzip
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import SweepConfig, TrainConfig
from mnist_seq.config.settings import Config, TrackingConfig
from mnist_seq.config.validation import validate, with_values
from mnist_seq.data import load as loading
from mnist_seq.data.digests import PARTS, Digests, from_tags
from mnist_seq.data.digits import read_digits
from mnist_seq.data.load import training_data
from mnist_seq.driver.fixed_trials import FixedTrials
from mnist_seq.driver.workspace import Workspace
from mnist_seq.network import training
from mnist_seq.records import TrainingState, TrialOutcome
from mnist_seq.search.trials import StudyTrials
from mnist_seq.tracking.results import StoredRun
from mnist_seq.tracking.tracker import Tracker
from tests.experiments.commands import Ran, printed, run

HEADER = ",".join(["label", *(f"pixel{n}" for n in range(64))])
SMALL = ("data=csv", "model.units=4", "training.epochs=2", "training.schedule=constant")
SEARCH = (
    *SMALL,
    "study=kept",
    "search.space.model.units.low=4",
    "search.space.model.units.high=8",
    "search.space.training.epochs.low=2",
    "search.space.training.epochs.high=3",
)
BOTH = "training and validation images (data.train_file={train})"
TEST = "test images (data.test_file={test})"


@dataclass(frozen=True)
class Files:
    """The training and the test file of a folder."""

    train: Path
    test: Path

    def overrides(self) -> list[str]:
        return [f"data.train_file={self.train}", f"data.test_file={self.test}"]


def written(path: Path, start: int, stop: int, shift: int = 0) -> Path:
    """A file of some digits; with a shift, their labels are others."""
    images = read_digits().pool.take(slice(start, stop))
    pixels_NP = images.images_NSF.reshape(len(images), 64)
    table_NP = np.column_stack([(images.labels_N + shift) % 10, pixels_NP])
    np.savetxt(path, table_NP, fmt="%d", delimiter=",", header=HEADER, comments="")
    loading._load_once.cache_clear()  # a command of its own would read it again
    return path


@contextlib.contextmanager
def changed(which: str, files: Files) -> Iterator[Files]:
    """The files while one of them has other images, or while both are elsewhere."""
    if which == "training file changed":
        written(files.train, 0, 200, shift=1)
        now = files
    elif which == "test file changed":
        written(files.test, 300, 360)
        now = files
    else:
        elsewhere = files.train.parent / "else where"
        elsewhere.mkdir(exist_ok=True)
        now = Files(elsewhere / "a.csv.gz", elsewhere / "b.CSV")
        now.train.write_bytes(gzip.compress(files.train.read_bytes().replace(b"\n", b"\r\n")))
        files.train.unlink()
        files.test.rename(now.test)
    try:
        yield now
    finally:
        written(files.train, 0, 200)
        written(files.test, 200, 260)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("changed")


@pytest.fixture(scope="module")
def files(folder: Path) -> Files:
    return Files(
        written(folder / "train.csv", 0, 200),
        written(folder / "test.csv", 200, 260),
    )


@pytest.fixture(scope="module")
def places(folder: Path) -> tuple[str, ...]:
    return f"tracking.folder={folder / 'mlruns'}", "workers.count=1"


@pytest.fixture(scope="module")
def swept(files: Files, places: tuple[str, ...]) -> str:
    """What a search of one trial has printed."""
    return printed("sweep", *SEARCH, *files.overrides(), *places, "search.trials=1")


def workspace(places: tuple[str, ...]) -> Workspace:
    return Workspace(TrackingConfig(folder=places[0].partition("=")[2]), create=True)


def digests_of(files: Files) -> Digests:
    config = validate(SweepConfig, compose("sweep", SweepConfig, [*SEARCH, *files.overrides()]))
    return training_data(config.data).digests


def all_runs(places: tuple[str, ...]) -> list[StoredRun]:
    results = workspace(places).results
    return results.runs(results.experiment("kept"))


def first_trial(places: tuple[str, ...]) -> StoredRun:
    results = workspace(places).results
    return results.runs(results.experiment("kept"), "trial")[0]


def assert_refused(ran: Ran, *words: str) -> None:
    (line,) = ran.errors
    assert ran.code == 2
    assert line.startswith("error: ")
    for word in words:
        assert word in line


CHANGES = [("training file changed", BOTH), ("test file changed", TEST)]


# --- a study


@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize(("which", "images"), CHANGES)
def test_a_study_refuses(which: str, images: str, files: Files, places: tuple[str, ...]) -> None:
    before = workspace(places).finished_trials("kept")
    with changed(which, files):
        ran = run("sweep", *SEARCH, *files.overrides(), *places, "search.trials=9")
    assert_refused(ran, "study kept: its " + images.format(train=files.train, test=files.test))
    assert ran.errors[0].endswith("or begin a new study with study=NAME")
    assert workspace(places).finished_trials("kept") == before


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_a_study_goes_on_where_its_files_are_now(files: Files, places: tuple[str, ...]) -> None:
    with changed("moved", files) as now:
        out = printed("sweep", *SEARCH, *now.overrides(), *places, "search.trials=2")
    assert "1 of them is done; going on" in out
    assert "lie inside" not in out, "the space is the same"
    assert [trial.number for trial in workspace(places).finished_trials("kept")] == [0, 1]


# --- a saved state


def one_epoch(config: Config) -> TrainingState:
    """A training after its first epoch."""
    data = training_data(config.data)
    return training.advance(config, data, training.begin(config, data))[1]


def stopped_training(
    files: Files, places: tuple[str, ...], name: str
) -> tuple[list[str], Path, TrainingState]:
    """A training that was stopped after an epoch: its command, its folder and its state."""
    command = [*SMALL, *files.overrides(), *places, f"name={name}"]
    config = with_values(validate(TrainConfig, compose("train", TrainConfig, command)), {})
    checkpoints = workspace(places).checkpoints(f"{name}-training-{FixedTrials([config]).digest}")
    state = one_epoch(config)
    checkpoints.save_state(0, state, digests_of(files))
    return command, checkpoints.folder, state


@pytest.mark.slow
@pytest.mark.parametrize(("which", "images"), CHANGES)
def test_a_stopped_training_refuses(
    which: str, images: str, files: Files, places: tuple[str, ...]
) -> None:
    name = which.replace(" ", "_")
    command, folder, _ = stopped_training(files, places, name)
    saved = (folder / "000000.state").read_bytes()
    with changed(which, files):
        ran = run("train", *command)
    assert_refused(
        ran,
        "trial 0: its " + images.format(train=files.train, test=files.test),
        f"or delete {folder} to begin anew",
    )
    assert (folder / "000000.state").read_bytes() == saved
    results = workspace(places).results
    assert results.runs(results.experiment(name)) == []


@pytest.mark.slow
def test_a_finished_training_is_not_taken_for_one_of_other_images(
    files: Files, places: tuple[str, ...]
) -> None:
    """It was killed after its last epoch, before all of it was in MLflow."""
    command, folder, state = stopped_training(files, places, "killed")
    outcome = TrialOutcome("complete", state.records, state.records[0])
    workspace(places).checkpoints(folder.name).save_outcome(0, outcome, digests_of(files))
    with changed("training file changed", files):
        ran = run("train", *command)
    assert_refused(ran, "trial 0: its training and validation images")
    assert (folder / "000000.ending").exists()


@pytest.mark.slow
def test_a_stopped_training_of_these_images_goes_on(files: Files, places: tuple[str, ...]) -> None:
    command, _, state = stopped_training(files, places, "stopped_training")
    printed("train", *command)
    results = workspace(places).results
    (made,) = results.runs(results.experiment("stopped_training"))
    first, second = results.curve(made.id)
    assert first == state.records[0], "with its seconds, so not trained again"
    assert second.epoch == 2
    assert from_tags(made.tags) == digests_of(files)


@pytest.mark.slow
def test_an_open_run_goes_on_with_these_images_alone(files: Files, places: tuple[str, ...]) -> None:
    """It was killed in its first epoch: there is a run, and no saved state."""
    command, folder, _ = stopped_training(files, places, "first_epoch")
    shutil.rmtree(folder)
    opened = []
    with Tracker(workspace(places).store) as tracker:
        experiment = tracker.experiment("first_epoch")
        for digest in (digests_of(files)["data"], "of other images"):
            tags = {"unfinished": folder.name[-12:], "data_digest": digest, "trial_number": "0"}
            opened.append(tracker.start(experiment, "training", "training", {}, tags).created)
            tracker.flush()
    printed("train", *command)
    results = workspace(places).results
    runs = results.runs(results.experiment("first_epoch"))
    assert [run.id for run in runs] == [created.result() for created in opened]
    assert [run.status for run in runs] == ["FINISHED", "RUNNING"]


@pytest.mark.slow
def test_a_stopped_trial_goes_on_where_its_files_are_now(
    files: Files, places: tuple[str, ...]
) -> None:
    command = [*SEARCH, *places, "study=stopped", "search.trials=1"]
    config = validate(SweepConfig, compose("sweep", SweepConfig, [*command, *files.overrides()]))
    digests = training_data(config.data).digests
    (trial,) = [StudyTrials(workspace(places).open_study(config, digests), config).next()]
    assert trial is not None
    state = one_epoch(trial.config)
    workspace(places).checkpoints("stopped").save_state(0, state, digests)
    with changed("moved", files) as now:
        printed("sweep", *command, *now.overrides())
    (ended,) = workspace(places).finished_trials("stopped")
    assert ended.records[0] == asdict(state.records[0])
    assert len(ended.records) == 2


# --- its runs


@pytest.mark.usefixtures("swept")
def test_every_run_has_the_digest_of_each_part(files: Files, places: tuple[str, ...]) -> None:
    noted = [from_tags(made.tags) for made in all_runs(places)]
    assert len(noted) >= 2, "the search's and its trial's"
    digests = digests_of(files)
    assert digests.keys() == {"data", "training", "validation", "test"}
    assert all(each == digests for each in noted)


@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize("command", [("rerun",), ("inspect", "part=test"), ("inspect", "images=1")])
@pytest.mark.parametrize(("which", "images"), CHANGES)
def test_a_run_of_other_images_is_refused(
    command: tuple[str, ...], which: str, images: str, files: Files, places: tuple[str, ...]
) -> None:
    name, *overrides = command
    chosen = [*overrides, "study=kept", "trial=0", places[0]]
    before = len(all_runs(places))
    with changed(which, files):
        ran = run(name, *chosen)
    if command == ("inspect", "images=1") and which == "test file changed":
        assert (ran.code, ran.errors) == (0, []), "the test images are not looked at"
    else:
        assert_refused(ran, "trial 0: its " + images.format(train=files.train, test=files.test))
        assert "accuracy" not in ran.out
    assert len(all_runs(places)) == before


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize("command", [("rerun",), ("inspect", "part=test", "images=1")])
def test_files_that_moved_are_asked_for_and_can_be_named(
    command: tuple[str, ...], files: Files, places: tuple[str, ...]
) -> None:
    name, *overrides = command
    chosen = [*overrides, "study=kept", "trial=0", *places[: 2 if name == "rerun" else 1]]
    with changed("moved", files) as now:
        assert_refused(
            run(name, *chosen),
            f"trial 0: {files.train} and {files.test}: no such file; if it was moved",
            "data.train_file=... data.test_file=...",
        )
        only = now.overrides()[0]
        assert_refused(run(name, *chosen, only), f"trial 0: {files.test}: no", "data.test_file=...")
        out = printed(name, *chosen, *now.overrides())
    if name == "rerun":
        assert "reproduced exactly: all 2 epochs, to the last bit" in out
        again = all_runs(places)[-1]
        config = workspace(places).results.config(again.id)
        assert config["data"]["train_file"] == str(now.train)


# --- what earlier versions have not noted


@contextlib.contextmanager
def only_the_oldest_digest(places: tuple[str, ...]) -> Iterator[None]:
    """The study and its first trial as version 0.1.0 left them."""
    client, made = workspace(places).store.client, first_trial(places)
    with closing(sqlite3.connect(workspace(places).folder / "optuna.db")) as studies, studies:
        studies.execute("DELETE FROM study_user_attributes WHERE key = 'data'")
    for part in PARTS:
        client.delete_tag(made.id, f"{part}_digest")
    try:
        yield
    finally:
        for part in PARTS:
            client.set_tag(made.id, f"{part}_digest", made.tags[f"{part}_digest"])


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_a_study_of_an_earlier_version_is_known_by_its_runs(
    files: Files, places: tuple[str, ...]
) -> None:
    command = [*SEARCH, *files.overrides(), *places, "search.trials=1"]
    with only_the_oldest_digest(places):
        with changed("training file changed", files):
            assert_refused(run("sweep", *command), "its training or validation images")
            assert_refused(run("rerun", "study=kept", places[0]), "training or validation images")
        printed("sweep", *command)
        with changed("test file changed", files):
            assert_refused(run("sweep", *command), "study kept: its test images")
