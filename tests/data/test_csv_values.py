import pytest

from mnist_seq.data.csv_values import (
    PixelsBySpelling,
    is_header,
    label_problem,
    number,
    pixel_problem,
)


@pytest.mark.parametrize(
    ("text", "pixel"),
    [("0", 0), ("255", 255), (" 7 ", 7), ("+7", 7), ("007", 7), ("7.0", 7), ("1.2e1", 12)],
)
def test_a_pixel_may_be_spelled_in_many_ways(text: str, pixel: int) -> None:
    assert PixelsBySpelling()[text] == pixel
    assert pixel_problem(text) is None


@pytest.mark.parametrize(
    "text", ["256", "-1", "0.5", "abc", "1_0", "0x1f", "True", "inf", "1e999", "٣", "1 2"]
)
def test_what_is_no_pixel_is_shown(text: str) -> None:
    assert pixel_problem(text) == f"found {text!r}; a pixel must be a whole number from 0 to 255"
    with pytest.raises(ValueError, match=r".*"):
        PixelsBySpelling()[text]


@pytest.mark.parametrize("text", ["", " ", "nan", "NaN", "NA", "null"])
def test_a_missing_pixel_is_said_to_be_missing(text: str) -> None:
    assert pixel_problem(text) == (
        f"is missing (found {text!r}); a pixel must be a whole number from 0 to 255"
    )


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
