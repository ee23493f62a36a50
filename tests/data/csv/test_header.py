import pytest

from mnist_seq.data.csv.header import is_header, numbered_order, odd_name

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
    assert is_header(fields, [])


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
    assert not is_header(fields, [])


@pytest.mark.parametrize(
    ("fields", "below"),
    [
        (["pixel0", "pixel1", "pixel2", "pixel3", "label"], ["0", "1", "2", "3", "5"]),
        (["", "label", "a", "b", "c", "d"], ["0", "5", "0", "1", "2", "3"]),
        (["Unnamed: 0", "label", "0", "1", "2", "3"], ["0", "5", "0", "1", "2", "3"]),
        (["0", "1", "2", "3", "Class"], ["0", "1", "2", "3", "5"]),
        (["letter", *COUNTED], ["a", *COUNTED]),
        (["0", "0.1", "0.2", "80", "0.3"], ["1", "0", "0", "0", "191"]),
        (["0.0", "0", "0.1", "80", "0.2"], ["1.0", "0", "0", "0", "191"]),
        (["a", "0", "0.1", "80", "0.2"], ["b", "0", "0", "0", "191"]),
        (["0.0", "0.0.1", "80.0", "0.0.2", "9.0"], ["1.0", "0.0", "0.0", "0.0", "191.0"]),
        (["# label", "a", "b", "c", "d"], ["1.0", "0.0", "0.0", "0.0", "191.0"]),
    ],
)
def test_names_of_other_programs_are_a_header(fields: list[str], below: list[str]) -> None:
    assert is_header(fields, [below])


@pytest.mark.parametrize(
    ("fields", "below"),
    [
        (["0", "0.1", "0.2", "0.3", "0.4"], ["1", "0.5", "0.25", "0.0", "1.0"]),
        (["y", "0", "0", "0", "9"], ["z", "0", "0", "0", "9"]),
        (["a", "0", "0.5", "1", "0"], ["b", "0", "0.5", "1", "0"]),
        (["5", "0", "0", "0.1", "0"], ["6", "0", "0", "0", "0"]),
        (["0", "0", "0", "0", "5"], ["0", "0", "0", "0", "6"]),
    ],
)
def test_an_image_in_another_form_is_no_header(fields: list[str], below: list[str]) -> None:
    assert not is_header(fields, [below])


def test_names_that_differ_in_one_number_are_put_in_order() -> None:
    assert numbered_order(["p1", "p10", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"]) == [
        *(0, 2, 3, 4, 5, 6, 7, 8, 9),
        1,
    ]
    for names in (["p1", "q0"], ["p1", "p3", "p5"], ["1x2", "1x1"], ["b", "a"], ["p9", "p8"]):
        assert numbered_order(names) == list(range(len(names)))


def test_the_odd_name_is_a_word_among_numbered_ones() -> None:
    assert odd_name(["p0", "p1", "p2", "letter"]) == 3
    assert odd_name(["1x1", "1x2", "kind", "2x1"]) == 2
    for names in (["p0", "p1"], ["a", "b", "c"], ["0", "0.1", "0.2", "0.3"], ["p0", "q", "r"]):
        assert odd_name(names) is None
