import random
from pathlib import Path

import pytest

from mnist_seq.data.csv.layout import Layout, find_layout
from mnist_seq.data.csv.reader import Table, read_table
from mnist_seq.data.csv.text import check_text
from mnist_seq.errors import DataError
from tests.data.conftest import WriteCsv

NAMES = "pixel0,pixel1,pixel2,pixel3"
# Two corners are the same in all images, which no label is.
LABEL_FIRST = ["5,0,20,30,4", "6,0,10,80,4", "6,0,70,10,4", "5,0,70,20,4"]
LABEL_LAST = ["0,20,30,4,5", "0,10,80,4,6", "0,70,10,4,6", "0,70,20,4,5"]
IMAGES = [[[0, 20], [30, 4]], [[0, 10], [80, 4]], [[0, 70], [10, 4]], [[0, 70], [20, 4]]]


def layout(file: str, label_column: str | None = None) -> Layout:
    return find_layout(file, check_text(file), label_column, None)


def told(file: str, label_column: str | None = None) -> str:
    """The line that refuses the file, without its folder."""
    with pytest.raises(DataError) as error:
        read_table(file, label_column)
    return str(error.value).replace(f"{Path(file).parent}/", "")


def check_images(table: Table) -> None:
    assert table.images_NSF.tolist() == IMAGES
    assert [table.labels_L[i] for i in table.label_indices_N] == ["5", "6", "6", "5"]


@pytest.mark.parametrize("name", ["label", "Labels", "CLASS", " target ", "y", '"label"'])
@pytest.mark.parametrize("at", ["first", "last"])
def test_the_label_is_found_by_its_name(name: str, at: str, write_csv: WriteCsv) -> None:
    rows = {
        "first": [f"{name},{NAMES}", *LABEL_FIRST],
        "last": [f"{NAMES},{name}", *LABEL_LAST],
    }
    table = read_table(write_csv(rows[at]))
    check_images(table)
    assert table.remarks == (f"label in the {at} column",)


def test_the_label_may_stand_between_the_pixels(write_csv: WriteCsv) -> None:
    rows = [",".join([*row.split(",")[1:3], row[0], *row.split(",")[3:]]) for row in LABEL_FIRST]
    table = read_table(write_csv(["pixel0,pixel1,label,pixel2,pixel3", *rows]))
    check_images(table)
    assert table.label_place == "between"
    assert table.remarks == ("label in column 3",)


@pytest.mark.parametrize("setting", ["Letter", "letter", "last"])
def test_a_setting_names_the_label_where_two_columns_may_be_it(
    setting: str, write_csv: WriteCsv
) -> None:
    file = write_csv([f"y,{NAMES},Letter".replace("pixel0,", ""), *LABEL_LAST])
    check_images(read_table(file, setting))
    assert read_table(file, "y").labels_L == ("0",)


def test_a_setting_decides_without_a_header(write_csv: WriteCsv) -> None:
    check_images(read_table(write_csv(LABEL_FIRST), "first"))
    check_images(read_table(write_csv(LABEL_LAST), "last"))
    assert read_table(write_csv(LABEL_LAST), "first").labels_L == ("0",)


def test_a_word_among_numbered_names_is_the_label(write_csv: WriteCsv) -> None:
    check_images(read_table(write_csv([f"{NAMES},character", *LABEL_LAST])))
    check_images(read_table(write_csv(["digit,1x1,1x2,2x1,2x2", *LABEL_FIRST])))
    check_images(read_table(write_csv([f"{NAMES},Größe", *LABEL_LAST])))


@pytest.mark.parametrize(
    ("lines", "setting", "message"),
    [
        (
            [NAMES, "0,1,2,3"],
            None,
            "letters.csv: the header has no label column (label, class, target or y; "
            "data.label_column names another)",
        ),
        (
            [f"id,{NAMES}", "7,0,1,2,3"],
            None,
            "letters.csv: the header has no label column (label, class, target or y; "
            "data.label_column names another)",
        ),
        (
            ["label,pixel0,pixel1,pixel2,class", *LABEL_FIRST],
            None,
            "letters.csv: more than one column may be the label; "
            "data.label_column=label or data.label_column=class decides",
        ),
        (
            ["label,pixel0,pixel1,pixel2,label", *LABEL_FIRST],
            None,
            "letters.csv: more than one column may be the label; "
            "data.label_column=first or data.label_column=last decides",
        ),
        (
            ["label,pixel0,pixel1,pixel2,pixel3", *LABEL_FIRST],
            "letter",
            "letters.csv: has the columns 'label', 'pixel0', 'pixel1', ...; data.label_column must "
            "be a name in the header, first or last (got 'letter')",
        ),
        (
            LABEL_FIRST,
            "letter",
            "letters.csv: has no header; data.label_column must be a name in the header, first "
            "or last (got 'letter')",
        ),
        (
            ["label,pixel0,pixel1,pixel2,pixel3,pixel4", *LABEL_FIRST],
            None,
            "letters.csv, row 2: has 5 columns, but the header names 6",
        ),
        (
            ["label,pixel0,pixel1", "5", "6"],
            None,
            "letters.csv, row 2: has 1 column, but the header names 3",
        ),
        (
            ["1,0,20,30,1", "2,0,10,80,2", "2,9,70,10,2", "1,9,70,20,1"],
            None,
            "letters.csv: both the first and the last column may be the label; "
            "data.label_column=first or data.label_column=last decides",
        ),
        (
            ["id,label,a,b,c,d", "1,5,0,1,2,3", "1,6,0,1,2,3"],
            None,
            "letters.csv, row 3, column 1: '1' is there twice, but a column named 'id' numbers "
            "the rows, unless data.label_column names it",
        ),
        (
            ["sep=:", "5:0:1:2:3"],
            None,
            "letters.csv, row 1: sets the separator ':'; it must be one of ',' ';' '\\t' '|'",
        ),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(
    lines: list[str], setting: str | None, message: str, write_csv: WriteCsv
) -> None:
    assert told(write_csv(lines), setting) == message


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "ID", "unnamed: 0.1"])
@pytest.mark.parametrize("numbers", [[0, 1, 2, 3], [1, 2, 3, 4], [812, 7, 3003, 40]])
def test_a_column_that_numbers_the_rows_is_left_out(
    name: str, numbers: list[int], write_csv: WriteCsv
) -> None:
    rows = [f"{number},{row}" for number, row in zip(numbers, LABEL_FIRST, strict=True)]
    table = read_table(write_csv([f"{name},label,{NAMES}", *rows]))
    check_images(table)
    said = f"column 1 {name!r} left out" if name else "column 1 left out"
    assert table.remarks == ("label in column 2", said)


def test_a_text_may_number_the_rows(write_csv: WriteCsv) -> None:
    rows = [f"{row},img_{number}.png" for number, row in enumerate(LABEL_FIRST)]
    check_images(read_table(write_csv([f"label,{NAMES},id", *rows])))


def test_pixels_are_taken_in_the_order_of_their_numbers(write_csv: WriteCsv) -> None:
    order = list(range(16))
    random.Random(0).shuffle(order)
    header = ",".join(["label", *(f"pixel{i}" for i in order)])
    rows = [",".join(["a", *map(str, order)]), ",".join(["b", *map(str, order)])]
    table = read_table(write_csv([header, *rows]))
    assert table.images_NSF[0].ravel().tolist() == list(range(16))
    assert table.remarks[1:] == ("pixels in the order of their names",)


@pytest.mark.parametrize(
    ("separator", "text"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
def test_the_separator_is_found_and_said(separator: str, text: str, write_csv: WriteCsv) -> None:
    table = read_table(write_csv([row.replace(",", separator) for row in LABEL_FIRST]))
    check_images(table)
    assert table.remarks == ("label in the first column", f"separated by {text}")


def test_a_separator_in_a_label_separates_nothing(write_csv: WriteCsv) -> None:
    file = write_csv([f'"{row[0]};a|b, c"{row[1:]}' for row in LABEL_FIRST])
    assert read_table(file).labels_L == ("5;a|b, c", "6;a|b, c")


@pytest.mark.parametrize(
    "lines",
    [
        [f"{row}," for row in LABEL_FIRST],
        [f"{row},,," for row in LABEL_FIRST],
        [f"label,{NAMES},", *(f"{row}," for row in LABEL_FIRST)],
        [f"label,{NAMES}", *(f"{row}," for row in LABEL_FIRST)],
        [f"label,{NAMES},Unnamed: 5", *(f"{row}," for row in LABEL_FIRST)],
        [*LABEL_FIRST[:2], f"{LABEL_FIRST[2]},", LABEL_FIRST[3]],  # at one row only
        [*LABEL_FIRST, ",,,,", ",,,,"],
        [*LABEL_FIRST[:2], ",,,,", *LABEL_FIRST[2:]],
        ["sep=,", *LABEL_FIRST],
        ['"sep=,"', f"label,{NAMES}", *LABEL_FIRST],
        ["", "sep=,", "", *LABEL_FIRST],
        ["sep=,,,,", *LABEL_FIRST],
        [f"# label,{NAMES}", *LABEL_FIRST],  # NumPy's savetxt
    ],
)
def test_leavings_are_left_out(lines: list[str], write_csv: WriteCsv) -> None:
    check_images(read_table(write_csv(lines)))


def test_a_long_way_of_blank_lines_is_no_empty_file(write_csv: WriteCsv) -> None:
    file = write_csv([*[""] * 3000, *LABEL_FIRST])
    check_images(read_table(file))
    assert layout(file).first_line == 3001


def test_decimal_commas_are_found_and_said(write_csv: WriteCsv) -> None:
    rows = ["label;a;b;c;d", "5;0,0;0,25;1,0;0", "6;0;0,5;0,125;1"]
    table = read_table(write_csv(rows))
    assert table.images_NSF.tolist() == [[[0, 0.25], [1, 0]], [[0, 0.5], [0.125, 1]]]
    assert table.description == (
        "label in the first column, separated by semicolons, decimal commas, 2×2 pixels, "  # noqa: RUF001
        "grey values 0 to 1"
    )


def test_the_image_that_pandas_made_a_header_is_left_out_and_said(write_csv: WriteCsv) -> None:
    header = "5,0,0.1,7,7.1"
    table = read_table(write_csv([header, *LABEL_FIRST]))
    check_images(table)
    assert "the first row, which pandas made a header of, left out" in table.remarks
