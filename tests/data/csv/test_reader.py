import gzip
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.data.csv import reader as csv_reader
from mnist_seq.data.csv.reader import Table, read_table
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
    by_pandas = read_table(file, "first")
    monkeypatch.setattr(csv_reader, "_by_pandas", lambda *_: None)
    by_rows = read_table(file, "first")
    assert by_pandas.labels_L == by_rows.labels_L
    np.testing.assert_array_equal(by_pandas.label_indices_N, by_rows.label_indices_N)
    np.testing.assert_array_equal(by_pandas.images_NSF, by_rows.images_NSF)
    np.testing.assert_array_equal(by_rows.images_NSF, pixels_NP.reshape(-1, 10, 10))


PIXEL = "a pixel must be a number from 0 to 255"


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
            "letters.csv, row 1: has 3 pixels besides the label; "
            "a square image has 1*1 = 1 or 2*2 = 4",
        ),
        (
            ["a 0 1 2 3"],
            "letters.csv, row 1: has one column; a row is a label and its pixels, "
            "separated by commas, semicolons, tabs or bars",
        ),
        ([*GOOD, "c,0,abc,2,3"], f"letters.csv, row 3, column 3: found 'abc'; {PIXEL}"),
        (["a,0,abc,2,3", *GOOD], f"letters.csv, row 1, column 3: found 'abc'; {PIXEL}"),
        ([*GOOD, "c,0,1,2,256"], f"letters.csv, row 3, column 5: found '256'; {PIXEL}"),
        ([*GOOD, "c,-1,1,2,3"], f"letters.csv, row 3, column 2: found '-1'; {PIXEL}"),
        ([*GOOD, "c,0,-0.5,2,3"], f"letters.csv, row 3, column 3: found '-0.5'; {PIXEL}"),
        ([*GOOD, "c,0,255.5,2,3"], f"letters.csv, row 3, column 3: found '255.5'; {PIXEL}"),
        ([*GOOD, 'c,0,"0,5",2,3'], f"letters.csv, row 3, column 3: found '0,5'; {PIXEL}"),
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
