"""Read a CSV file of images into arrays, with one-line errors that locate the mistake.

A row is a label, then the S * S pixels of a square image from its top left corner on, each a whole
number from 0 to 255. pandas reads the file; only where it will not, each row is looked at in
Python, which either understands what pandas did not or finds the first mistake. Rows count from 1,
as an editor shows them, and so do columns: column 1 is the label.
Shapes: N images, S steps, F features, L labels as the file spells them.
"""

import codecs
import csv
import functools
import gzip
import io
import math
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_seq.errors import DataError

# MNIST's 60,000 rows are 0.1 GiB, EMNIST's 814,255 about 1.5: more is a mistake, or a gzip bomb.
MAX_TEXT_BYTES = 4 * 2**30
MAX_ROW_BYTES = 8 * 2**20
BLOCK_BYTES = 2**20
MAX_SIDE = 512  # one row is one step: an LSTM learns little from longer sequences
MAX_LABEL_LENGTH = 100
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
LABEL_NAMES = frozenset({"label", "labels", "class", "target"})

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Table:
    """Images and labels of one file.

    Attributes
    ----------
    images_NSF : uint8, shape (N, S, S)
    label_indices_N : int32, shape (N,)
        Indices into `labels_L`.
    labels_L : tuple of str
        Each label as it is spelled in the file, once, in order of appearance.
    """

    images_NSF: NDArray[np.uint8]
    label_indices_N: NDArray[np.int32]
    labels_L: tuple[str, ...]


def read_table(file: str) -> Table:
    """Images and labels of a file.

    Raises
    ------
    DataError
        If it is not a file of images in the format that this module describes.
    """
    _check_text(file)
    first = next(rows(file), None)
    if first is None:
        raise DataError(f"{file}: has no images")
    line, fields = first
    side = _side(f"{file}, row {line}", len(fields) - 1)
    # pandas takes a column of nothing but True for ones, so the first row is looked at in any case.
    _pixels(f"{file}, row {line}", fields)
    return _by_pandas(file, line, side) or _row_by_row(file, side)


def rows(file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the fields of each image's row; skip header and blank lines.

    Raises
    ------
    DataError
        If a row cannot be taken apart.
    """
    with io.TextIOWrapper(_open(file), encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        line, may_be_header = 1, True
        try:
            for fields in reader:
                begins, line = line, reader.line_num + 1
                if len(fields) <= 1 and not "".join(fields).strip():
                    continue
                if not (may_be_header and is_header(fields)):
                    yield begins, fields
                may_be_header = False
        except csv.Error as error:
            raise DataError(f"{file}, row {line}: cannot be read ({error})") from None


def existing_file(file: str) -> Path:
    """Return the path of a .csv or .csv.gz file, after checking that the file exists.

    Raises
    ------
    DataError
        If not.
    """
    path = Path(os.path.expanduser(file))  # noqa: PTH111 -- Path.expanduser fails for no such user
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        raise DataError(f"{file}: must be a .csv or .csv.gz file")
    try:
        if not path.exists():
            raise DataError(f"{file}: no such file")
        if not path.is_file():  # a folder, or a pipe that would be waited for
            raise DataError(f"{file}: is not a file")
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
    return path


def _open(file: str) -> gzip.GzipFile | io.BufferedReader:
    """Open a CSV file in binary mode, decompressing .gz files."""
    path = existing_file(file)
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _check_text(file: str) -> None:
    """Raise a DataError unless the whole file is UTF-8 text within the size limits."""
    try:
        with _open(file) as content:
            _check_blocks(file, content)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{file}: is not a whole gzip file") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None


def _check_blocks(file: str, content: io.BufferedIOBase) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    size, row, unbroken = 0, 1, 0
    while True:
        block = content.read(BLOCK_BYTES)
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            row += error.object[: error.start].count(b"\n")
            raise DataError(f"{file}, row {row}: is not UTF-8 text") from None
        if (binary := block.find(b"\0")) >= 0:
            row += block[:binary].count(b"\n")
            raise DataError(f"{file}, row {row}: is not UTF-8 text")
        if not block:
            return
        size += len(block)
        row += block.count(b"\n")
        last_break = max(block.rfind(b"\n"), block.rfind(b"\r"))
        unbroken = len(block) - last_break - 1 + (unbroken if last_break < 0 else 0)
        if size > MAX_TEXT_BYTES:
            raise DataError(f"{file}: is more than {MAX_TEXT_BYTES / 2**30:g} GiB of text")
        if unbroken > MAX_ROW_BYTES:
            raise DataError(f"{file}, row {row}: is longer than {MAX_ROW_BYTES / 2**20:g} MiB")


def is_header(fields: list[str]) -> bool:
    """Whether a file's first row names its columns instead of showing an image."""
    label, *pixels = (field.strip().lower() for field in fields)
    if not pixels:
        return False
    # Names differ from each other; a row of True and False is an image, if one in a wrong format.
    named = not any(number(p) is not None or p in MISSING for p in pixels)
    if named and number(label) is None and len(set(pixels)) == len(pixels):
        return True
    # pandas and others number their columns. A small image may look like that too, and is kept.
    counted = [[str(first + i) for i in range(len(pixels))] for first in (0, 1)]
    if label in LABEL_NAMES:
        return pixels in counted
    return label == "0" and pixels == counted[1] and len(pixels) >= 64


@functools.lru_cache(maxsize=4096)  # a file spells its 256 pixels in few ways
def pixel(text: str) -> int:
    """Parse a pixel (7, 7.0, " 7"); raise a ValueError that says what is wrong with it."""
    value = number(text)
    if value is not None and value.is_integer() and 0 <= value <= 255:
        return int(value)
    is_missing = text.strip().lower() in MISSING
    found = f"is missing (found {text!r})" if is_missing else f"found {text[:40]!r}"
    raise ValueError(f"{found}; a pixel must be a whole number from 0 to 255")


def number(text: str) -> float | None:
    """Parse a number; return None for NaN, infinity and any other text."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def label_problem(text: str) -> str | None:
    """What is wrong with a label, or None."""
    if not text.strip():
        return "the label is missing"
    if len(text) > MAX_LABEL_LENGTH:
        return f"the label is longer than {MAX_LABEL_LENGTH} characters"
    return None


def _by_pandas(file: str, first_line: int, side: int) -> Table | None:
    import pandas as pd

    # Column by column: of a defaultdict, pandas 3.1 forgets the label after its first 256 KiB.
    types: dict[int, type] = {0: str} | dict.fromkeys(range(1, side * side + 1), np.uint8)
    try:
        with np.errstate(invalid="ignore"):  # numbers beyond all integers, which it then refuses
            frame = pd.read_csv(
                existing_file(file),
                header=None,
                skiprows=first_line - 1,
                dtype=types,
                na_filter=False,
                encoding="utf-8-sig",
            )
    except (ValueError, OverflowError):
        return None
    indices_N, uniques = pd.factorize(frame[0])
    labels_L = tuple(map(str, uniques))
    if any(map(label_problem, labels_L)):
        return None
    pixels_NP = np.ascontiguousarray(frame.iloc[:, 1:].to_numpy())
    return Table(pixels_NP.reshape(-1, side, side), indices_N.astype(np.int32), labels_L)


def _row_by_row(file: str, side: int) -> Table:
    columns = side * side + 1
    pixels = bytearray()
    indices: list[int] = []
    labels: dict[str, int] = {}
    for line, fields in rows(file):
        if len(fields) != columns:
            found = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
            raise DataError(f"{file}, row {line}: has {found}; the first image has {columns}")
        pixels += _pixels(f"{file}, row {line}", fields)
        indices.append(labels.setdefault(fields[0], len(labels)))
    images_NSF = np.frombuffer(pixels, np.uint8).reshape(-1, side, side)
    return Table(images_NSF, np.array(indices, np.int32), tuple(labels))


def _pixels(where: str, fields: list[str]) -> bytes:
    if problem := label_problem(fields[0]):
        raise DataError(f"{where}, column 1: {problem}")
    pixels: list[int] = []
    try:
        pixels.extend(map(pixel, fields[1:]))
    except ValueError as error:  # those before the mistake are in the list
        raise DataError(f"{where}, column {len(pixels) + 2}: {error}") from None
    return bytes(pixels)


def _side(where: str, pixels: int) -> int:
    if pixels == 0:
        raise DataError(f"{where}: has no commas; a row is a label, then its pixels, by commas")
    side = math.isqrt(pixels)
    if side * side != pixels:
        raise DataError(
            f"{where}: has {pixels} pixels after the label; a square image has "
            f"{side}*{side} = {side**2} or {side + 1}*{side + 1} = {(side + 1) ** 2}"
        )
    if side > MAX_SIDE:
        raise DataError(
            f"{where}: has an image of {side} by {side} pixels; "
            f"{MAX_SIDE} by {MAX_SIDE} is the largest"
        )
    return side
