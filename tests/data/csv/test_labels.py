import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_seq.data.csv.labels import Ends, canonical, label_problem, number, place_by_values

Values = NDArray[np.float64]


def test_nan_and_infinity_are_no_numbers() -> None:
    assert number("nan") is None
    assert number("-inf") is None
    assert number("-1.5e3") == -1500


def test_a_label_has_one_to_a_hundred_characters() -> None:
    assert label_problem("x" * 100) is None
    assert label_problem("nine") is None
    assert label_problem(" ") == "the label is missing"
    assert label_problem("x" * 101) == "the label is longer than 100 characters"


@pytest.mark.parametrize(
    "text", ["nan", "NaN", "NA", "n/a", "#N/A", "<NA>", "null", "NULL", "None", "none", " NA "]
)
def test_a_missing_label_is_said_to_be_missing(text: str) -> None:
    assert label_problem(text) == f"the label is missing (found {text.strip()!r})"


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "5.0",
        "05",
        "5e0",
        "+5",
        " 5 ",
        "5.",
        "5.000000000000000000e+00",
        "5,0",
        "0005",
        "5E+00",
    ],
)
def test_one_number_spelled_in_many_ways_is_one_class(text: str) -> None:
    assert canonical(text) == "5"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("0", "0"),
        ("-0.0", "0"),
        ("0e0", "0"),
        ("0.000e+00", "0"),
        ("-1.0", "-1"),
        ("1.2e1", "12"),
        ("123456789012345678", "123456789012345678"),
        # Not whole numbers, or no numbers as a program writes them: what they are.
        ("5.5", "5.5"),
        ("1.25e1", "1.25e1"),
        ("30e5", "30e5"),  # hexadecimal code points of letters
        ("00e1", "00e1"),
        ("0e1", "0e1"),
        ("1,000", "1,000"),
        ("५", "५"),
        ("5 0", "5 0"),
        ("a", "a"),
    ],
)
def test_no_two_classes_become_one(text: str, name: str) -> None:
    assert canonical(text) == name


def test_a_decimal_comma_is_read_where_commas_separate_nothing() -> None:
    assert number("0,5", ";") == number("0.5", ";") == number("0.5") == 0.5
    assert number("0,5") is None
    assert number("1,2,3", ";") is None


# --- which of two columns is the label

GENERATOR = np.random.default_rng(0)
LABELS_N = GENERATOR.integers(0, 10, 300).astype(float)
NOISE_N = GENERATOR.integers(0, 256, 300).astype(float)  # a pixel unlike its neighbours
STROKE_N = np.where(GENERATOR.random(300) < 0.2, GENERATOR.integers(1, 17, 300), 0).astype(float)
CORNER_N = np.where(np.arange(300) % 50 == 0, 7.0, 0.0)


def place(first_N: Values, last_N: Values, near_first: Values, near_last: Values) -> str | None:
    """Where the label is, and that the table read backwards has it at the other end."""
    found = place_by_values(Ends(first_N, last_N, near_first[:, None], near_last[:, None]))
    back = place_by_values(Ends(last_N, first_N, near_last[:, None], near_first[:, None]))
    assert back == {"first": "last", "last": "first", None: None}[found]
    return found


@pytest.mark.parametrize(
    "pixel_N",
    [
        np.zeros(300),
        np.full(300, 255.0),
        NOISE_N / 255,
        GENERATOR.permutation(256)[:200].repeat(2)[:300].astype(float) + 0.5,
        CORNER_N,
    ],
    ids=["blank", "white", "fractions", "halves", "background"],
)
def test_what_cannot_be_a_label_tells_where_the_label_is(pixel_N: Values) -> None:
    assert place(LABELS_N, pixel_N, np.zeros(300), np.zeros(300)) == "first"


def test_what_cannot_be_a_pixel_tells_where_the_label_is() -> None:
    for label_N in (np.full(300, np.nan), LABELS_N + 1000, -1 - LABELS_N):
        assert place(label_N, NOISE_N, NOISE_N, NOISE_N) == "first"


def test_a_pixel_is_like_its_neighbours_and_a_label_is_not() -> None:
    assert place(LABELS_N, STROKE_N, NOISE_N, STROKE_N * 2) == "first"
    assert place(LABELS_N, STROKE_N, NOISE_N, NOISE_N[::-1]) is None


def test_where_both_are_like_their_neighbours_nothing_is_guessed() -> None:
    brightness_N = LABELS_N * 20  # images of class 9 are brighter than those of class 0
    assert place(LABELS_N, brightness_N, brightness_N, brightness_N) is None


def test_two_columns_of_noise_are_not_guessed_between() -> None:
    assert place(LABELS_N, LABELS_N[::-1], NOISE_N, NOISE_N[::-1]) is None


def test_a_mistake_in_a_blank_column_does_not_make_it_a_label() -> None:
    mistaken_N = np.zeros(300)
    for mistake in (np.nan, 256.0, -1.0):
        mistaken_N[7] = mistake
        assert place(LABELS_N, mistaken_N, np.zeros(300), np.zeros(300)) == "first"
