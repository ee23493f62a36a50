"""scikit-learn's digits written in other ways: trained, scored and looked into whole."""

from pathlib import Path

import keras
import numpy as np
import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.data import load as loading
from mnist_seq.data.digits import read_digits
from mnist_seq.driver.workspace import Workspace
from mnist_seq.metrics.classification import accuracy
from mnist_seq.network import training
from mnist_seq.records import EpochRecord, TrainResult
from mnist_seq.tracking.results import Results, StoredRun
from tests.examples import config
from tests.experiments.commands import printed, run

pytestmark = pytest.mark.slow  # half a minute of trainings

SMALL = ("training.epochs=2", "model.units=6", "training.learning_rate=0.02", "workers.count=1")
# By name: the largest grey value, how a number is written, and whether columns come first.
WAYS = {"bytes": (255, "%d", False), "ink": (1, "%.4f", False), "columns": (16, "%d", True)}
TRAINED = ("ink", "columns")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the digits in each way, and a store with trainings on two of them."""
    folder = tmp_path_factory.mktemp("grey")
    digits = read_digits()
    for name, (largest, number, by_columns) in WAYS.items():
        for kind, split in (("train", digits.pool), ("test", digits.test)):
            greys_NSF = split.images_NSF * (largest / 255)
            greys_NSF = greys_NSF.swapaxes(1, 2) if by_columns else greys_NSF
            if number == "%d":
                greys_NSF = np.rint(greys_NSF)
            rows = np.column_stack([split.labels_N, greys_NSF.reshape(len(split), -1)])
            formats = ["%d", *[number] * 64]
            np.savetxt(folder / f"{name}_{kind}.csv", rows, fmt=formats, delimiter=",")
    for name in TRAINED:
        out = printed("train", f"name={name}", *files(folder, name, name), *SMALL, store(folder))
        assert f"; {WAYS[name][0]} is full ink" in out
    return folder


def files(folder: Path, train: str, test: str) -> tuple[str, ...]:
    transpose = str(WAYS[train][2]).lower()
    named = {"train": train, "test": test}
    return (
        "data=csv",
        f"data.transpose={transpose}",
        *(f"data.{kind}_file={folder / f'{name}_{kind}.csv'}" for kind, name in named.items()),
    )


def store(folder: Path) -> str:
    return f"tracking.folder={folder / 'mlruns'}"


def results(folder: Path) -> Results:
    return Workspace(TrackingConfig(folder=str(folder / "mlruns"))).results


def training_of(folder: Path, name: str) -> StoredRun:
    (found,) = results(folder).runs(results(folder).experiment(name), "training")
    return found


@pytest.fixture(scope="module")
def on_digits() -> TrainResult:
    """The same training on the digits themselves, in this process."""
    settings = config(*(setting for setting in SMALL if not setting.startswith("workers")))
    data = loading.training_data(settings.data)
    *_, (_, state) = training.train(settings, data)
    return training.finish(settings, data, state)


@pytest.mark.parametrize("name", TRAINED)
def test_the_curve_is_that_of_the_digits_to_the_last_bit(
    name: str, made: Path, on_digits: TrainResult
) -> None:
    curve = results(made).curve(training_of(made, name).id)
    assert len(curve) == len(on_digits.records) == 2
    assert all(map(EpochRecord.same_curve, curve, on_digits.records))


@pytest.mark.parametrize("name", TRAINED)
def test_the_saved_network_answers_to_the_rows_of_the_file(
    name: str, made: Path, on_digits: TrainResult
) -> None:
    model_file = results(made).model_file(training_of(made, name).id)
    model = keras.saving.load_model(model_file, safe_mode=True)
    rows = np.loadtxt(made / f"{name}_test.csv", delimiter=",", dtype=np.float32)
    np.testing.assert_array_equal(
        model.predict(rows[:, 1:].reshape(-1, 8, 8), verbose=0),
        training.predict(on_digits.model, loading.test_split(config().data).images_NSF),
    )


def test_such_a_network_is_scored(made: Path, on_digits: TrainResult) -> None:
    printed("rerun", f"run={training_of(made, 'ink').id}", "workers.count=1", store(made))
    (again,) = results(made).runs(results(made).experiment("ink"), "rerun")
    assert again.tags["reproduced"].startswith("reproduced exactly")
    test = loading.test_split(config().data)
    answers_N = training.predict(on_digits.model, test.images_NSF).argmax(axis=1)
    assert again.metrics["test_accuracy"] == pytest.approx(accuracy(answers_N, test.labels_N))


def test_such_a_network_is_looked_into(made: Path) -> None:
    trained = training_of(made, "columns")
    out = printed("inspect", f"run={trained.id}", "images=1", store(made))
    assert f"after all {100 * trained.metrics['best_validation_accuracy']:.2f} %" in out


def test_files_of_two_ranges_are_refused_in_one_line(made: Path) -> None:
    for train, test in (("bytes", "ink"), ("ink", "bytes")):
        ran = run("train", "name=two", *files(made, train, test), *SMALL, store(made))
        assert ran.code == 2
        assert len(ran.errors) == 1
        assert ran.errors[0].startswith(f"error: {made / f'{test}_test.csv'}: ")
        assert "data.pixel_max" in ran.errors[0]
