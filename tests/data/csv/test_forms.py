"""The same images written as CSV in two hundred ways: the same dataset, or one line."""

import csv
import gzip
import io
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, TypeAlias, get_args, get_type_hints

import numpy as np
import pandas as pd
import pytest

from mnist_seq.config.settings import DataConfig
from mnist_seq.data import load as loading
from mnist_seq.data.dataset import Dataset, Source, Split
from mnist_seq.data.load import load
from mnist_seq.errors import DataError
from tests.data.conftest import MakeConfig

FORMS = 200
TRAIN, TEST = slice(0, 120), slice(120, 180)
Rows: TypeAlias = list[list[str]]


@dataclass(frozen=True)
class Form:
    """One way to write a table of images."""

    separator: Literal[",", ";", "\t", "|"]
    quoting: Literal["minimal", "all"]
    header: Literal["none", "named", "unknown name", "counted", "index", "id", "by pandas"]
    place: Literal["first", "last", "between"]
    spelling: Literal["whole", "padded", "float", "scientific", "signed", "spaced", "text"]
    grey: Literal["255", "255.0", "16", "1"]
    decimal: Literal[".", ","]
    end: Literal["\n", "\r\n", "\r"]
    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "latin-1", "gzip"]
    leavings: Literal["none", "empty column", "empty rows", "sep=", "blank lines"]


CHOICES = {name: get_args(kind) for name, kind in get_type_hints(Form).items()}
GENERATOR = random.Random(0)
NAMED = {"named", "unknown name", "index", "id"}


def forms() -> Iterator[Form]:
    while True:
        form = Form(**{name: GENERATOR.choice(options) for name, options in CHOICES.items()})
        # Nothing tells where a number between the pixels is the label, but its name.
        if form.place != "between" or form.header in NAMED:
            yield form


ALL = list(itertools.islice(forms(), FORMS))


def must_be_refused(form: Form) -> bool:
    """Whether commas are both decimal and separators, or the text is not UTF-8."""
    has_commas = form.decimal == "," and form.grey in {"255.0", "1"}
    return (has_commas and form.separator == ",") or (
        form.spelling == "text" and form.encoding == "latin-1"
    )


# --- writing


def label(digit: int, form: Form) -> str:
    match form.spelling:
        case "whole":
            return str(digit)
        case "padded":
            return f"{digit:02d}"
        case "float":
            return f"{digit}.0".replace(".", form.decimal)
        case "scientific":
            return f"{digit:e}"
        case "signed":
            return f"+{digit}"
        case "spaced":
            return f" {digit} "
        case "text":
            return f"né {digit}"


def pixels(image: Sequence[int], form: Form) -> list[str]:
    """Write 0 to 16 as numbers of another range; sixteenths have four decimals."""
    match form.grey:
        case "255":
            return [str(round(value * 255 / 16)) for value in image]
        case "255.0":
            return [f"{round(value * 255 / 16)}.0".replace(".", form.decimal) for value in image]
        case "16":
            return [str(value) for value in image]
        case "1":
            return [f"{value / 16:.4f}".replace(".", form.decimal) for value in image]


def table(images: Sequence[Sequence[int]], digits: Sequence[int], form: Form) -> Rows:
    at = {"first": 0, "last": 64, "between": 30}[form.place]
    rows = []
    for image, digit in zip(images, digits, strict=True):
        row = pixels(image, form)
        row.insert(at, label(digit, form))
        rows.append(row)
    names = [f"pixel{i}" for i in range(64)]
    names.insert(at, "kind" if form.header == "unknown name" else "Label")
    match form.header:
        case "named" | "unknown name":
            return [names, *rows]
        case "counted":
            return [[str(i) for i in range(65)], *rows]
        case "index" | "id":
            numbers = range(len(rows)) if form.header == "index" else range(7000, 7000 + len(rows))
            name = "" if form.header == "index" else "id"
            return [[name, *names], *([str(n), *row] for n, row in zip(numbers, rows, strict=True))]
        case "by pandas":
            # One image more, which pandas has made the header of.
            text = io.StringIO("\n".join(",".join(f'"{f}"' for f in row) for row in rows[:2]))
            return [list(pd.read_csv(text, dtype=str).columns), *rows]
        case "none":
            return rows


def write(path: Path, rows: Rows, form: Form) -> str:
    if form.leavings == "empty column":
        rows = [[*row, ""] for row in rows]
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=form.separator,
        lineterminator=form.end,
        quoting=csv.QUOTE_ALL if form.quoting == "all" else csv.QUOTE_MINIMAL,
    )
    for number, row in enumerate(rows):
        if form.leavings == "blank lines" and number % 50 == 0:
            text.write(form.end)
        writer.writerow(row)
    content = text.getvalue()
    if form.leavings == "empty rows":
        content += (form.separator * 64 + form.end) * 3
    if form.leavings == "sep=":
        content = f"sep={form.separator}{form.end}{content}"
    if form.encoding == "gzip":
        path = path.with_suffix(".csv.gz")
        path.write_bytes(gzip.compress(content.encode()))
    else:
        path.write_bytes(content.encode(form.encoding))
    return str(path)


# --- reading


@pytest.fixture(scope="module")
def digits() -> tuple[list[list[int]], list[int]]:
    """Images as whole numbers from 0 to 16, and their classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data.astype(int).tolist(), data.target.tolist()


def expected(digits: tuple[list[list[int]], list[int]], form: Form, config: DataConfig) -> Dataset:
    """The dataset of these images, without any file."""
    images_NSF = np.rint(np.reshape(digits[0], (-1, 8, 8)) * (255 / 16)).astype(np.uint8)
    everything = Split(images_NSF, np.array(digits[1], np.int32))
    names = tuple(f"né {k}" if form.spelling == "text" else str(k) for k in range(10))
    source = Source("digits", everything.take(TRAIN), everything.take(TEST), names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(loading.SOURCES, "digits", lambda _: source)
        return load(config)


@pytest.mark.parametrize("form", ALL, ids=[str(number) for number in range(FORMS)])
def test_the_same_images_are_the_same_dataset_however_they_are_written(
    form: Form, digits: tuple[list[list[int]], list[int]], tmp_path: Path, config: MakeConfig
) -> None:
    files = {
        f"{name}_file": write(
            tmp_path / f"{name}.csv", table(digits[0][part], digits[1][part], form), form
        )
        for name, part in (("train", TRAIN), ("test", TEST))
    }
    if must_be_refused(form):
        with pytest.raises(DataError) as error:
            load(config(source="csv", **files))
        assert len(str(error.value).splitlines()) == 1
        return
    data, same = (
        load(config(source="csv", **files)),
        expected(digits, form, config(source="digits")),
    )
    assert data.test is not None
    assert same.test is not None
    np.testing.assert_array_equal(data.test.images_NSF, same.test.images_NSF)
    np.testing.assert_array_equal(data.test.labels_N, same.test.labels_N)
    assert data.digest == same.digest


def test_most_forms_must_be_read() -> None:
    refused = sum(map(must_be_refused, ALL))
    assert 10 < refused < FORMS / 4  # those that must be refused are tested as well


def test_each_way_to_write_is_among_those_that_are_read() -> None:
    read = [form for form in ALL if not must_be_refused(form)]
    for field in fields(Form):
        assert {getattr(form, field.name) for form in read} == set(CHOICES[field.name])
