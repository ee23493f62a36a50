import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_seq.config.settings import DataConfig
from mnist_seq.data import load as loading
from mnist_seq.data.dataset import Dataset, RawSplit, Source
from mnist_seq.data.digits import read_digits
from mnist_seq.data.load import SOURCES, load, training_data
from mnist_seq.data.mnist import read_mnist
from mnist_seq.data.pixel_format import PixelFormat
from tests.data.conftest import MakeConfig, WriteCsv

Form: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def as_csv(path: Path, split: RawSplit) -> str:
    table_NP = np.column_stack([split.labels_N, split.images_NSF.reshape(len(split), -1)])
    np.savetxt(path, table_NP, fmt="%d", delimiter=",")
    return str(path)


def assert_equal(one: Dataset, other: Dataset) -> None:
    assert one.digest == other.digest
    assert one.class_names == other.class_names
    for name in ("train", "validation", "test"):
        ours, theirs = getattr(one, name), getattr(other, name)
        np.testing.assert_array_equal(ours.images_NSF, theirs.images_NSF, strict=True)
        np.testing.assert_array_equal(ours.labels_N, theirs.labels_N, strict=True)
    for name in ("offset_SF", "scale_SF"):
        ours, theirs = getattr(one.scaling, name), getattr(other.scaling, name)
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_every_source_that_a_config_may_name_is_there() -> None:
    assert set(SOURCES) == set(get_args(DataConfig.model_fields["source"].annotation))


def test_mnist_is_54000_6000_and_10000_images_of_28_rows(config: MakeConfig) -> None:
    data = load(config())
    assert data.test is not None
    assert data.train.images_NSF.shape == (54_000, 28, 28)
    assert data.validation.images_NSF.shape == (6_000, 28, 28)
    assert data.test.images_NSF.shape == (10_000, 28, 28)
    assert {data.train.images_NSF.dtype, data.test.images_NSF.dtype} == {np.dtype(np.uint8)}
    assert {data.train.labels_N.dtype, data.test.labels_N.dtype} == {np.dtype(np.int32)}


@pytest.mark.parametrize("split", ["stratified", "tail"])
@pytest.mark.parametrize("scaling", ["unit", "minmax", "standard"])
def test_a_part_of_mnist_as_csv_is_the_same_data(
    split: str,
    scaling: str,
    tmp_path: Path,
    config: MakeConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = read_mnist()
    pool, test = whole.pool.take(slice(1000)), whole.test.take(slice(300))
    some = Source("mnist", pool, test, whole.class_names)
    monkeypatch.setattr(loading, "read_mnist", lambda: some)
    same = {"validation_split": split, "scaling": scaling, "split_seed": 3}
    files = {
        "train_file": as_csv(tmp_path / "train.csv", pool),
        "test_file": as_csv(tmp_path / "test.csv.gz", test),
    }
    from_csv = load(config(source="csv", **files, **same))
    assert_equal(from_csv, load(config(**same)))
    assert_equal(load(config(source="csv", **files, **same)), from_csv)  # now from the cache


def written(path: Path, split: RawSplit, form: Form, number: str) -> str:
    table_NP = np.column_stack(
        [split.labels_N, form(split.images_NSF.astype(float)).reshape(len(split), -1)]
    )
    np.savetxt(path, table_NP, fmt=["%d"] + [number] * (table_NP.shape[1] - 1), delimiter=",")
    return str(path)


@pytest.mark.parametrize(
    ("form", "number", "settings", "pixel_format"),
    [
        (lambda images: np.rint(images * 16 / 255), "%d", {}, PixelFormat(16)),
        (lambda images: images / 255, "%.4f", {}, PixelFormat(1, has_fractions=True)),
        (lambda images: images * 16 / 255, "%.3f", {}, PixelFormat(16, has_fractions=True)),
        (lambda images: images, "%.1f", {}, PixelFormat()),
        (lambda images: images * 0.4, "%.3f", {"pixel_max": 102.0}, PixelFormat(102, True)),
        (
            lambda images: np.rint(images.swapaxes(1, 2) * 16 / 255),
            "%d",
            {"transpose": True},
            PixelFormat(16, is_transposed=True),
        ),
    ],
    ids=["0 to 16", "0 to 1", "fractions to 16", "whole floats", "0 to 102", "by columns"],
)
def test_the_same_images_in_another_form_are_the_same_data(
    form: Form,
    number: str,
    settings: dict[str, object],
    pixel_format: PixelFormat,
    tmp_path: Path,
    config: MakeConfig,
) -> None:
    digits = read_digits()
    files = {
        "train_file": written(tmp_path / "train.csv", digits.pool, form, number),
        "test_file": written(tmp_path / "test.csv", digits.test, form, number),
    }
    data = load(config(source="csv", **files, **settings))
    assert_equal(data, load(config(source="digits")))
    assert data.pixel_format == pixel_format
    assert data.warnings == ()
    rows = np.loadtxt(files["test_file"], delimiter=",", dtype=np.float32)
    assert data.test is not None
    pixels_NP = data.pixel_format.pixels(data.test.images_NSF).reshape(len(rows), -1)
    np.testing.assert_allclose(pixels_NP, rows[:, 1:], atol=5e-4)


def test_transposed_images_are_other_data(config: MakeConfig) -> None:
    upright, transposed = (
        load(config(source="digits", transpose=transpose)) for transpose in (False, True)
    )
    np.testing.assert_array_equal(
        transposed.train.images_NSF[:, 2, 5], upright.train.images_NSF[:, 5, 2]
    )
    assert transposed.digest != upright.digest


def test_classes_left_out_and_faint_images_are_told(
    tmp_path: Path, config: MakeConfig, write_csv: WriteCsv
) -> None:
    rows = [f"{label},0,1,2,100" for label in "aabbabab"] + ["one,100,0,0,0"]
    files = {"train_file": write_csv(rows, "train.csv"), "test_file": write_csv(rows, "test.csv")}
    settings = {"source": "csv", "validation_fraction": 0.25, "rare_classes": "leave_out"}
    data = load(config(**files, **settings))
    assert data.class_names == ("a", "b")
    assert data.warnings == (
        "left out: class 'one' (1 image)",
        f"{tmp_path}/train.csv: the largest grey value of the training images is 100 of 255; "
        "data.pixel_max=100 takes it for full ink",
    )


@pytest.mark.slow
def test_the_whole_of_mnist_as_csv_is_the_same_data(tmp_path: Path, config: MakeConfig) -> None:
    whole = read_mnist()
    files = {
        "train_file": as_csv(tmp_path / "train.csv", whole.pool),
        "test_file": as_csv(tmp_path / "test.csv", whole.test),
    }
    assert_equal(load(config(source="csv", **files)), load(config()))


def test_scaling_is_fitted_to_the_training_split_alone(config: MakeConfig) -> None:
    data = load(config(source="digits", scaling="minmax", validation_fraction=0.5))
    np.testing.assert_array_equal(data.scaling.offset_SF, data.train.images_NSF.min(axis=0))


def test_another_split_seed_is_other_data_and_the_same_seed_the_same(config: MakeConfig) -> None:
    def digest(split_seed: int) -> str:
        return load(config(source="digits", split_seed=split_seed)).digest

    assert digest(0) == digest(0)
    assert digest(0) != digest(1)


def test_training_data_are_those_of_load_without_the_test_images(config: MakeConfig) -> None:
    settings = config(source="digits")
    whole, data, test = load(settings), training_data(settings), loading.test_split(settings)
    assert data.test is None
    assert_equal(replace(data, test=test), whole)


def test_a_config_is_read_once_for_training_data_and_test_split(
    config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(source="digits", split_seed=1234)
    data, test = training_data(settings), loading.test_split(settings)

    def read_again(_: DataConfig) -> Dataset:
        raise AssertionError

    monkeypatch.setattr(loading, "load", read_again)
    assert training_data(config(source="digits", split_seed=1234)) is data
    assert loading.test_split(settings) is test


def loaded_by(statement: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after a statement."""
    heavy = "{'tensorflow', 'keras', 'pandas', 'sklearn', 'scipy'}"
    code = f"{statement}\nimport sys\nprint(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_takes_neither_pandas_nor_scikit_learn_nor_tensorflow() -> None:
    assert loaded_by("import mnist_seq.data.load, mnist_seq.metrics.classification") == set()


def test_reading_mnist_takes_none_of_them_either() -> None:
    read = "from mnist_seq.data.mnist import read_mnist; read_mnist()"
    assert loaded_by(read) == set()


def test_the_import_check_can_fail() -> None:
    assert "pandas" in loaded_by("import pandas")
