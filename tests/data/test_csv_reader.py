import errno
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.data import csv_reader
from mnist_seq.data.csv_reader import (
    Table,
    existing_file,
    is_header,
    label_problem,
    number,
    pixel,
    read_table,
    rows,
)
from mnist_seq.errors import DataError
from tests.data.conftest import WriteCsv

GOOD = ["a,0,1,2,3", "b,4,5,6,255"]


def contents(table: Table) -> tuple[list[str], list[list[list[int]]]]:
    return [table.labels_L[i] for i in table.label_indices_N], table.images_NSF.tolist()


EXPECTED = (["a", "b"], [[[0, 1], [2, 3]], [[4, 5], [6, 255]]])


@pytest.mark.parametrize(
    "text",
    [
        "a,0,1,2,3\nb,4,5,6,255\n",
        "a,0,1,2,3\nb,4,5,6,255",
        "a,0,1,2,3\r\nb,4,5,6,255\r\n",
        "a,0,1,2,3\rb,4,5,6,255\r",
        "\ufeffa,0,1,2,3\nb,4,5,6,255\n",
        "\n\na,0,1,2,3\n\n  \nb,4,5,6,255\n\n",
        "label,pixel0,pixel1,pixel2,pixel3\na,0,1,2,3\nb,4,5,6,255\n",
        "\ufeff\nlabel,0,1,2,3\n\na,0,1,2,3\nb,4,5,6,255\n",
        '"a","0","1","2","3"\n"b","4","5","6","255"\n',
        "a, 0, 1, 2, 3\nb, 4, 5, 6, 255\n",
        "a,0.0,1.0,2.0,3.0\nb,4,5,6,255\n",
        "a,0e0,1.000e+00,2,003\nb,+4,5.,6,2.55e2\n",
    ],
)
@pytest.mark.parametrize("way", ["as a whole", "row by row"])
def test_one_table_written_in_many_ways(
    tmp_path: Path, text: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "row by row":
        monkeypatch.setattr(csv_reader, "_by_pandas", lambda *_: None)
    (tmp_path / "letters.csv").write_bytes(text.encode())
    table = read_table(str(tmp_path / "letters.csv"))
    assert contents(table) == EXPECTED
    assert table.images_NSF.dtype == np.uint8
    assert table.label_indices_N.dtype == np.int32


def test_a_zipped_file_is_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "letters.csv.gz").write_bytes(gzip.compress("\n".join(GOOD).encode()))
    assert contents(read_table(str(tmp_path / "letters.csv.gz"))) == EXPECTED


def test_pandas_and_python_read_the_same_from_a_file_of_many_pieces(
    write_csv: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    pixels_NP = generator.integers(0, 256, (3000, 100))
    labels_N = generator.integers(0, 10, 3000)
    lines = (f"{y},{','.join(map(str, x))}" for y, x in zip(labels_N, pixels_NP, strict=True))
    file = write_csv(lines)
    assert Path(file).stat().st_size > 4 * 2**18  # pandas' pieces are 2**18 bytes
    by_pandas = read_table(file)
    monkeypatch.setattr(csv_reader, "_by_pandas", lambda *_: None)
    by_rows = read_table(file)
    assert by_pandas.labels_L == by_rows.labels_L
    np.testing.assert_array_equal(by_pandas.label_indices_N, by_rows.label_indices_N)
    np.testing.assert_array_equal(by_pandas.images_NSF, by_rows.images_NSF)
    np.testing.assert_array_equal(by_rows.images_NSF, pixels_NP.reshape(-1, 10, 10))


def test_rows_are_numbered_as_an_editor_shows_them(write_csv: WriteCsv) -> None:
    file = write_csv(["label,p,q,r,s", "", "a,0,1,2,3", '"b', 'b",0,1,2,3', "c,0,1,2,3"])
    assert [line for line, _ in rows(file)] == [3, 4, 6]


PIXEL = "a pixel must be a whole number from 0 to 255"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "letters.csv: has no images"),
        (["", ""], "letters.csv: has no images"),
        (["label,p,q,r,s"], "letters.csv: has no images"),
        ([*GOOD, "c,0,1,2"], "letters.csv, row 3: has 4 columns; the first image has 5"),
        ([*GOOD, "c,0,1,2,3,4"], "letters.csv, row 3: has 6 columns; the first image has 5"),
        ([*GOOD, "", "c"], "letters.csv, row 4: has 1 column; the first image has 5"),
        (
            ["a,0,1,2", *GOOD],
            "letters.csv, row 1: has 3 pixels after the label; "
            "a square image has 1*1 = 1 or 2*2 = 4",
        ),
        (
            ["a;0;1;2;3"],
            "letters.csv, row 1: has no commas; a row is a label, then its pixels, by commas",
        ),
        ([*GOOD, "c,0,abc,2,3"], f"letters.csv, row 3, column 3: found 'abc'; {PIXEL}"),
        (["a,0,abc,2,3", *GOOD], f"letters.csv, row 1, column 3: found 'abc'; {PIXEL}"),
        ([*GOOD, "c,0,1,2,256"], f"letters.csv, row 3, column 5: found '256'; {PIXEL}"),
        ([*GOOD, "c,-1,1,2,3"], f"letters.csv, row 3, column 2: found '-1'; {PIXEL}"),
        ([*GOOD, "c,0,0.5,2,3"], f"letters.csv, row 3, column 3: found '0.5'; {PIXEL}"),
        (
            [*GOOD, f"c,0,{'9' * 30},2,3"],
            f"letters.csv, row 3, column 3: found '{'9' * 30}'; {PIXEL}",
        ),
        ([*GOOD, "c,0,1e400,2,3"], f"letters.csv, row 3, column 3: found '1e400'; {PIXEL}"),
        (["a,True,True,False,True"], f"letters.csv, row 1, column 2: found 'True'; {PIXEL}"),
        ([*GOOD, "c,0,,2,3"], f"letters.csv, row 3, column 3: is missing (found ''); {PIXEL}"),
        (
            [*GOOD, "c,0,NaN,2,3"],
            f"letters.csv, row 3, column 3: is missing (found 'NaN'); {PIXEL}",
        ),
        (["a,,,,"], f"letters.csv, row 1, column 2: is missing (found ''); {PIXEL}"),
        ([*GOOD, ",0,1,2,3"], "letters.csv, row 3, column 1: the label is missing"),
        (
            [*GOOD, f"{'c' * 101},0,1,2,3"],
            "letters.csv, row 3, column 1: the label is longer than 100 characters",
        ),
        (
            ["label,p,q,r,s", "", *GOOD, "", "c,0,1,2,x"],
            f"letters.csv, row 6, column 5: found 'x'; {PIXEL}",
        ),
        (
            [*GOOD, '"' + "c" * 200_000],
            "letters.csv, row 3: cannot be read (field larger than field limit (131072))",
        ),
        ([*GOOD, '"c,0,1,2,3'], "letters.csv, row 3: has 1 column; the first image has 5"),
        (
            ["a" + ",0" * 513**2],
            "letters.csv, row 1: has an image of 513 by 513 pixels; 512 by 512 is the largest",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(write_csv: WriteCsv, lines: list[str], message: str) -> None:
    file = write_csv(lines)
    with pytest.raises(DataError) as error:
        read_table(file)
    assert str(error.value).replace(f"{Path(file).parent}/", "") == message


def test_the_first_of_several_mistakes_is_told(write_csv: WriteCsv) -> None:
    file = write_csv([*GOOD, "c,0,1,2,300", "d,0,1", "e,x,1,2,3"])
    with pytest.raises(DataError, match=r"row 3, column 5: found '300'"):
        read_table(file)


def problem(file: Path) -> str:
    """What is wrong with the file, without its folder."""
    with pytest.raises(DataError) as error:
        read_table(str(file))
    return str(error.value).replace(f"{file.parent}/", "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path / "letters.csv") == "letters.csv: no such file"


@pytest.mark.parametrize("name", ["letters.txt", "letters", "letters.csv.zip", "csv"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert problem(tmp_path / name) == f"{name}: must be a .csv or .csv.gz file"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.csv").mkdir()
    assert problem(tmp_path / "letters.csv") == "letters.csv: is not a file"


@pytest.mark.parametrize("step", ["exists", "open"])
def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "letters.csv").touch()
    monkeypatch.setattr(Path, step, refuse)  # file modes would not keep root out
    assert problem(tmp_path / "letters.csv") == "letters.csv: cannot be read (Permission denied)"


def test_what_is_called_gz_and_is_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.csv.gz").write_text("1,2\n")
    assert problem(tmp_path / "letters.csv.gz") == "letters.csv.gz: is not a whole gzip file"


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_gzip_file_that_was_cut_off_is_refused(tmp_path: Path, kept: float) -> None:
    content = gzip.compress(os.urandom(100_000).hex().encode())
    (tmp_path / "letters.csv.gz").write_bytes(content[: int(len(content) * kept)])
    assert problem(tmp_path / "letters.csv.gz") == "letters.csv.gz: is not a whole gzip file"


def test_a_gzip_file_with_damage_inside_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(os.urandom(100_000).hex().encode()))
    content[5000:6000] = bytes(1000)
    (tmp_path / "letters.csv.gz").write_bytes(content)
    assert problem(tmp_path / "letters.csv.gz") == "letters.csv.gz: is not a whole gzip file"


@pytest.mark.parametrize("content", [b"1,2\n3,4\n\xe9,4\n", b"1,2\n3,4\n5,\x006\n"])
def test_bytes_that_are_not_text_are_refused_with_their_row(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letters.csv").write_bytes(content)
    assert problem(tmp_path / "letters.csv") == "letters.csv, row 3: is not UTF-8 text"


def test_a_character_cut_off_by_the_end_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.csv").write_bytes("1,2\né".encode()[:-1])
    assert problem(tmp_path / "letters.csv") == "letters.csv, row 2: is not UTF-8 text"


def test_rows_are_counted_and_characters_are_whole_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 5)
    (tmp_path / "good.csv").write_bytes("éééé,1\n".encode() * 9)
    assert len(read_table(str(tmp_path / "good.csv")).images_NSF) == 9
    (tmp_path / "letters.csv").write_bytes("éééé,1\n".encode() * 9 + b"\xff")
    assert problem(tmp_path / "letters.csv") == "letters.csv, row 10: is not UTF-8 text"


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_reader, "MAX_TEXT_BYTES", 3 * 2**20)
    (tmp_path / "letters.csv.gz").write_bytes(gzip.compress(b"1,2\n" * 2**20))
    assert problem(tmp_path / "letters.csv.gz") == (
        "letters.csv.gz: is more than 0.00292969 GiB of text"
    )


def test_the_limit_of_size_is_four_gibibytes() -> None:
    assert csv_reader.MAX_TEXT_BYTES == 4_294_967_296


def test_a_row_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.csv").write_bytes(b"1,2\n" + b"1," * 5_000_000)
    assert problem(tmp_path / "letters.csv") == "letters.csv, row 2: is longer than 8 MiB"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_many_short_rows_are_no_long_one_whatever_ends_them(
    tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_reader, "MAX_ROW_BYTES", 50)
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 7)
    (tmp_path / "letters.csv").write_bytes(f"1,2,3,4,5{end}".encode() * 100)
    assert len(read_table(str(tmp_path / "letters.csv")).images_NSF) == 100


def test_home_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "letters.csv").touch()
    assert existing_file("~/letters.csv") == tmp_path / "letters.csv"


@pytest.mark.parametrize("name", ["letters.csv", "letters.CSV", "letters.csv.gz"])
def test_text_comes_without_byte_order_mark_zipped_or_not(tmp_path: Path, name: str) -> None:
    content = '\ufeffé,"1\r\n"\r\n'.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert list(rows(str(tmp_path / name))) == [(1, ["é", "1\r\n"])]


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("255", 255), (" 7 ", 7), ("+7", 7), ("007", 7), ("7.0", 7), ("1.2e1", 12)],
)
def test_a_pixel_may_be_spelled_in_many_ways(text: str, value: int) -> None:
    assert pixel(text) == value


@pytest.mark.parametrize(
    "text", ["256", "-1", "0.5", "abc", "1_0", "0x1f", "True", "inf", "1e999", "٣", "1 2"]
)
def test_what_is_no_pixel_is_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"^found ") as error:
        pixel(text)
    assert str(error.value) == f"found {text!r}; {PIXEL}"


@pytest.mark.parametrize("text", ["", " ", "nan", "NaN", "NA", "null"])
def test_a_missing_pixel_is_said_to_be_missing(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is missing ") as error:
        pixel(text)
    assert str(error.value) == f"is missing (found {text!r}); {PIXEL}"


def test_nan_and_infinity_are_no_numbers() -> None:
    assert number("nan") is None
    assert number("-inf") is None
    assert number("-1.5e3") == -1500


def test_a_label_has_one_to_a_hundred_characters() -> None:
    assert label_problem("x" * 100) is None
    assert label_problem("none") is None  # a word like any other
    assert label_problem(" ") == "the label is missing"
    assert label_problem("x" * 101) == "the label is longer than 100 characters"


COUNTED = [str(i) for i in range(1, 65)]


@pytest.mark.parametrize(
    "fields",
    [
        ["label", "pixel0", "pixel1", "pixel2", "pixel3"],  # Kaggle's Digit Recognizer
        ["label", "1x1", "1x2", "2x1", "2x2"],  # "MNIST in CSV"
        ["Letter", "a", "b", "c", "d"],
        ["Label", "0", "1", "2", "3"],
        ["class", "1", "2", "3", "4"],
        ["0", *COUNTED],  # DataFrame.to_csv without column names
    ],
)
def test_a_header_is_noticed(fields: list[str]) -> None:
    assert is_header(fields)


@pytest.mark.parametrize(
    "fields",
    [
        ["5", "0", "0", "0", "0"],
        ["a", "0", "1", "2", "3"],
        ["label", "0", "0", "0", "9"],
        ["0", "1", "2", "3", "4"],
        ["a", "x", "0", "0", "0"],  # one mistake is a mistake, not a header
        ["5", "a", "b", "c", "d"],
        ["a", "", "", "", ""],
        ["a", "nan", "nan", "nan", "nan"],
        ["1", *COUNTED],
        ["a", "True", "True", "False", "True"],
        ["words"],
    ],
)
def test_an_image_is_no_header(fields: list[str]) -> None:
    assert not is_header(fields)
