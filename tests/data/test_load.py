import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from mnist_seq.config import DataConfig
from mnist_seq.data import load as loading
from mnist_seq.data.dataset import Dataset, Source, Split
from mnist_seq.data.load import SOURCES, load, training_data
from mnist_seq.data.mnist import read_mnist
from tests.data.conftest import MakeConfig


def as_csv(path: Path, split: Split) -> str:
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
    assert loaded_by("import mnist_seq.data.load, mnist_seq.metrics") == set()


def test_reading_mnist_takes_none_of_them_either() -> None:
    read = "from mnist_seq.data.mnist import read_mnist; read_mnist()"
    assert loaded_by(read) == set()


def test_the_import_check_can_fail() -> None:
    assert "pandas" in loaded_by("import pandas")
