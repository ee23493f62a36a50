from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from mnist_seq.data.csv_source import canonical, read_csv_files
from mnist_seq.data.dataset import Source
from mnist_seq.errors import DataError
from tests.data.conftest import MakeConfig, WriteCsv

Read: TypeAlias = Callable[[list[str], list[str]], Source]


@pytest.fixture
def read(write_csv: WriteCsv, config: MakeConfig) -> Read:
    def read(train: list[str], test: list[str]) -> Source:
        train_file, test_file = write_csv(train, "train.csv"), write_csv(test, "test.csv")
        return read_csv_files(config(source="csv", train_file=train_file, test_file=test_file))

    return read


def labelled(labels: list[str], pixels: int = 4) -> list[str]:
    return [label + ",0" * pixels for label in labels]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["10", "9", "-1", "9"], ("-1", "9", "10")),
        (["b", "a", "B"], ("B", "a", "b")),
        (["10", "9", "a"], ("10", "9", "a")),
        (["1.5", "0.5"], ("0.5", "1.5")),
        (["07", "7", " 7 ", "+8"], ("7", "8")),
        (["é", "z"], ("z", "é")),
    ],
)
def test_classes_are_sorted_as_numbers_if_all_are_whole_else_as_text(
    labels: list[str], names: tuple[str, ...], read: Read
) -> None:
    source = read(labelled(labels), labelled(labels[:1]))
    assert source.class_names == names
    assert [names[k] for k in source.pool.labels_N] == [canonical(label) for label in labels]
    assert names[source.test.labels_N[0]] == canonical(labels[0])


def test_images_keep_their_labels_and_their_order(read: Read) -> None:
    source = read(["b,9,1,2,3", "a,8,4,5,6", "b,7,0,0,0"], ["a,1,2,3,4", "b,5,6,7,8"])
    assert source.pool.images_NSF.tolist() == [[[9, 1], [2, 3]], [[8, 4], [5, 6]], [[7, 0], [0, 0]]]
    assert source.pool.labels_N.tolist() == [1, 0, 1]
    assert source.test.images_NSF.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert source.test.labels_N.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (
            labelled(["a", "a"]),
            labelled(["a"]),
            "train.csv: all images have the label 'a'; there must be at least two classes",
        ),
        (
            labelled(["a", "b"]),
            labelled(["a"], pixels=9),
            "test.csv: has images of 3 by 3 pixels, but train.csv has images of 2 by 2",
        ),
        (
            labelled(["a", "b"]),
            ["label,p,q,r,s", *labelled(["a", "b", "z", "y"])],
            "test.csv, row 4: label 'z' is not among those of train.csv",
        ),
        (
            labelled(["1", "2"]),
            labelled(["02", "03"]),
            "test.csv, row 2: label '3' is not among those of train.csv",
        ),
        (labelled(["a", "b"]), [], "test.csv: has no images"),
        ([], labelled(["a", "b"]), "train.csv: has no images"),
    ],
)
def test_files_that_do_not_go_together_are_told_in_one_line(
    train: list[str], test: list[str], message: str, read: Read, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as error:
        read(train, test)
    assert str(error.value).replace(f"{tmp_path}/", "") == message


def test_a_missing_test_file_is_noticed_before_the_training_file_is_read(
    write_csv: WriteCsv, config: MakeConfig
) -> None:
    train_file = write_csv(["not,images"])
    files = {"train_file": train_file, "test_file": "nowhere/letters.csv"}
    with pytest.raises(DataError, match=r"^nowhere/letters\.csv: no such file$"):
        read_csv_files(config(source="csv", **files))
