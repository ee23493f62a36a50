"""One CSV file as arrays, or one line that says where it is wrong.

pandas reads the file; only where it will not, each row is looked at in Python, which either
understands what pandas did not or finds the first mistake. Rows count from 1, as an editor shows
them, and so do columns: column 1 is the label.
Shapes: N images, S steps, F features, L labels as the file spells them.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.csv_text import check_text, existing_file, open_text
from mnist_seq.data.csv_values import PixelsBySpelling, is_header, label_problem, pixel_problem
from mnist_seq.errors import DataError

MAX_SIDE = 512  # one row is one step: an LSTM learns little from longer sequences


@dataclass(frozen=True)
class Table:
    """What is in one file.

    Attributes
    ----------
    images_NSF : uint8, shape (N, S, S)
    spelling_N : int32, shape (N,)
        Places in `labels_L`.
    labels_L : tuple of str
        Each label as it is spelled in the file, once, in order of appearance.
    """

    images_NSF: NDArray[np.uint8]
    spelling_N: NDArray[np.int32]
    labels_L: tuple[str, ...]


def read_table(file: str) -> Table:
    """The images and labels of a file.

    Raises
    ------
    DataError
        If it is not what `mnist_seq.data.csv_files` describes.
    """
    check_text(file)
    first = next(rows(file), None)
    if first is None:
        raise DataError(f"{file}: has no images")
    line, fields = first
    side = _side(file, line, fields)
    # pandas takes a column of nothing but True for ones, so the first row is looked at in any case.
    _pixels(file, line, fields, PixelsBySpelling())
    pixels_NP, spelling_N, labels_L = _by_pandas(file, line, len(fields)) or _row_by_row(
        file, len(fields)
    )
    return Table(pixels_NP.reshape(-1, side, side), spelling_N, labels_L)


def rows(file: str) -> Iterator[tuple[int, list[str]]]:
    """Each image's row: the line that it begins on, and its fields. Skips header and blank lines.

    Raises
    ------
    DataError
        If a row cannot be taken apart.
    """
    with open_text(file) as text:
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


_Columns = tuple[NDArray[np.uint8], NDArray[np.int32], tuple[str, ...]]


def _by_pandas(file: str, first_line: int, columns: int) -> _Columns | None:
    import pandas as pd

    # Column by column: of a defaultdict, pandas 3.1 forgets the label after its first 256 KiB.
    types: dict[int, type] = {0: str} | dict.fromkeys(range(1, columns), np.uint8)
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
    spelling_N, labels = pd.factorize(frame[0])
    labels_L = tuple(str(label) for label in labels)
    if any(label_problem(label) for label in labels_L):
        return None
    pixels_NP = np.ascontiguousarray(frame.iloc[:, 1:].to_numpy())
    return pixels_NP, spelling_N.astype(np.int32), labels_L


def _row_by_row(file: str, columns: int) -> _Columns:
    known = PixelsBySpelling()
    pixels = bytearray()
    labels: dict[str, int] = {}
    spelling: list[int] = []
    for line, fields in rows(file):
        if len(fields) != columns:
            found = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
            raise DataError(f"{file}, row {line}: has {found}; the first image has {columns}")
        pixels += _pixels(file, line, fields, known)
        spelling.append(labels.setdefault(fields[0], len(labels)))
    pixels_NP = np.frombuffer(pixels, np.uint8).reshape(len(spelling), columns - 1)
    return pixels_NP, np.array(spelling, np.int32), tuple(labels)


def _pixels(file: str, line: int, fields: list[str], known: PixelsBySpelling) -> bytes:
    if problem := label_problem(fields[0]):
        raise DataError(f"{file}, row {line}, column 1: {problem}")
    try:
        return bytes(map(known.__getitem__, fields[1:]))
    except ValueError:
        column, problem = next(
            (column, problem)
            for column, text in enumerate(fields[1:], start=2)
            if (problem := pixel_problem(text))
        )
        raise DataError(f"{file}, row {line}, column {column}: {problem}") from None


def _side(file: str, line: int, fields: list[str]) -> int:
    pixels = len(fields) - 1
    if pixels == 0:
        raise DataError(
            f"{file}, row {line}: has no commas; a row is a label, then its pixels, by commas"
        )
    side = math.isqrt(pixels)
    if side * side != pixels:
        raise DataError(
            f"{file}, row {line}: has {pixels} pixels after the label; a square image has "
            f"{side}*{side} = {side**2} or {side + 1}*{side + 1} = {(side + 1) ** 2}"
        )
    if side > MAX_SIDE:
        raise DataError(
            f"{file}, row {line}: has an image of {side} by {side} pixels; "
            f"{MAX_SIDE} by {MAX_SIDE} is the largest"
        )
    return side
