from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from mnist_seq.data.csv.labels import canonical
from mnist_seq.data.csv.source import read_csv_files
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


LETTERS = ["a,0,1,2,3", "b,0,5,6,7", "a,0,9,8,7"]
TURNED = ["0,1,2,3,a", "0,5,6,7,b", "0,9,8,7,a"]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (LETTERS, [f"label;{';'.join('pqrs')}", *(row.replace(",", ";") for row in LETTERS)]),
        (LETTERS, ["p,q,r,s,label", *TURNED]),
        (["p,q,r,s,label", *TURNED], TURNED),
    ],
)
def test_both_files_may_be_written_differently(
    train: list[str], test: list[str], read: Read
) -> None:
    source = read(train, test)
    assert source.test.images_NSF.tolist() == source.pool.images_NSF.tolist()
    assert source.test.labels_N.tolist() == source.pool.labels_N.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["5.0", "6.0"], ["5", "06"]),
        (["05", "06"], ["5e0", "+6"]),
        (["5", "6"], [" 5 ", "6."]),
    ],
)
def test_a_number_is_one_class_however_it_is_spelled(
    train: list[str], test: list[str], read: Read
) -> None:
    source = read(labelled(train), labelled(test))
    assert source.class_names == ("5", "6")
    assert source.test.labels_N.tolist() == [0, 1]


@pytest.mark.parametrize("missing", ["", "nan", "NA", "None", "null"])
def test_a_missing_label_is_refused_with_its_row(missing: str, read: Read) -> None:
    with pytest.raises(DataError, match=r"train\.csv, row 3, column 1: the label is missing"):
        read(labelled(["a", "b", missing, "a"]), labelled(["a"]))
    with pytest.raises(DataError, match=r"test\.csv, row 2, column 1: the label is missing"):
        read(labelled(["a", "b"]), labelled(["a", missing]))


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (
            ["label,p0,p1,p2,p3", "5,0,1,2,3", "6,0,1,2,4"],
            ["p0,p1,p2,p3", "0,1,2,3"],
            "test.csv: the header has no label column (label, class, target or y; "
            "data.label_column names another)",
        ),
        (
            labelled(["5", "6"]),
            ["0,1,2,3,5", "0,1,2,3,6"],
            "test.csv: the label seems to be in the last column, in the training file it is in "
            "the first; data.label_column=first says that it is there in both",
        ),
        (
            ["p0,p1,label,p2,p3", "0,1,5,2,3", "0,1,6,2,3"],
            ["0,1,5,2,3"],
            "test.csv: has no header that names the label, which in the training file is neither "
            "first nor last",
        ),
    ],
)
def test_a_test_file_is_not_read_otherwise_than_the_training_file(
    train: list[str], test: list[str], message: str, read: Read, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as error:
        read(train, test)
    assert str(error.value).replace(f"{tmp_path}/", "") == message


def test_a_test_file_without_a_header_is_read_as_the_training_file(read: Read) -> None:
    # Alone, each of its columns could be the label.
    source = read(["n1,n2,n3,n4,digit", "1,2,3,4,5", "1,2,3,4,6"], ["6,2,3,4,5", "5,2,3,4,6"])
    assert source.test.labels_N.tolist() == [0, 1]


def test_a_test_file_of_one_image_is_read_as_the_training_file(read: Read) -> None:
    assert read(labelled(["5", "6"]), ["6,0,0,0,0"]).test.labels_N.tolist() == [1]
    assert read(["0,1,2,3,5", "0,1,2,3,6"], ["0,1,2,3,6"]).test.labels_N.tolist() == [1]


def test_the_description_says_what_the_files_seem_to_be(read: Read, tmp_path: Path) -> None:
    said = read(["p,q,r,s,label", *TURNED], [f"{row}," for row in TURNED]).description
    assert said is not None
    assert said.replace(f"{tmp_path}/", "") == (
        "train.csv: label in the last column, 2×2 pixels, grey values 0 to 9"  # noqa: RUF001
    )
    other = read(LETTERS, ["id,label,p,q,r,s", *(f"{i},{row}" for i, row in enumerate(LETTERS))])
    assert str(other.description).replace(f"{tmp_path}/", "") == (
        "train.csv: label in the first column, 2×2 pixels, grey values 0 to 9; "  # noqa: RUF001
        "test.csv: label in column 2, column 1 'id' left out"
    )
