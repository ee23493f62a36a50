import pytest

from mnist_seq.data.csv.layout import find_layout
from mnist_seq.data.csv.rows import pixel, rows
from tests.data.conftest import WriteCsv


def test_rows_are_numbered_as_an_editor_shows_them(write_csv: WriteCsv) -> None:
    file = write_csv(["label,p,q,r,s", "", "a,0,1,2,3", '"b', 'b",0,1,2,3', "c,0,1,2,3"])
    layout = find_layout(file, "utf-8-sig", None, None)
    assert [line for line, _ in rows(file, layout)] == [3, 4, 6]


PIXEL = "a pixel must be a number from 0 to 255"


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("255", 255), (" 7 ", 7), ("+7", 7), ("007", 7), ("7.0", 7), ("1.2e1", 12)],
)
def test_a_pixel_may_be_spelled_in_many_ways(text: str, value: int) -> None:
    assert pixel(text) == value


@pytest.mark.parametrize(
    "text", ["256", "-1", "abc", "1_0", "0x1f", "True", "inf", "1e999", "٣", "1 2"]
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
