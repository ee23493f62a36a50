"""A CSV file row by row: slow, but it understands what pandas does not, and finds mistakes.

Shapes: N images, P pixels.
"""

import functools
import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.csv.labels import MISSING, Column, Ends, label_problem, number
from mnist_seq.data.csv.layout import Layout
from mnist_seq.data.csv.text import open_text, split_rows
from mnist_seq.errors import DataError


def rows(file: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the fields of each image's row; skip header and blank lines.

    Raises
    ------
    DataError
        If a row cannot be taken apart.
    """
    with images_text(file, layout) as text:
        yield from split_rows(file, text, layout.separator, layout.first_line)


def images_text(file: str, layout: Layout) -> io.TextIOWrapper:
    """Open a file's text where its images begin."""
    text = open_text(file, layout.encoding)
    for _ in range(layout.first_line - 1):
        next(text)
    return text


def read_rows(file: str, layout: Layout) -> tuple[NDArray[np.float32], Column]:
    """Return all pixels, shape (N, P), and labels.

    Raises
    ------
    DataError
        With the first mistake.
    """
    assert layout.label is not None
    images: list[NDArray[np.float32]] = []
    indices: list[int] = []
    labels: dict[str, int] = {}
    numbered: dict[int, set[str]] = {column: set() for column in layout.index_columns}
    for line, fields in rows(file, layout):
        where = f"{file}, row {line}"
        if len(fields) < layout.end or any(map(str.strip, fields[layout.end :])):
            found = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
            raise DataError(f"{where}: has {found}; the first image has {layout.end}")
        for column, known in numbered.items():
            if fields[column] in known:
                name = layout.names[column]
                raise DataError(
                    f"{where}, column {column + 1}: {fields[column]!r} is there twice, but a "
                    f"column named {name!r} numbers the rows, unless data.label_column names it"
                )
            known.add(fields[column])
        images.append(np.array(row_pixels(where, fields, layout), np.float32))
        indices.append(labels.setdefault(fields[layout.label], len(labels)))
    return np.stack(images), Column(np.array(indices), tuple(labels))


def ends_by_rows(file: str, layout: Layout) -> Ends:
    """Return the first and last columns, which may be the label; NaN for what is no number."""
    near_first, near_last = layout.neighbours()
    chosen = [layout.columns[0], layout.columns[-1], *near_first, *near_last]
    values = [
        [number(fields[column], layout.separator) for column in chosen]
        for _, fields in rows(file, layout)
        if len(fields) >= layout.end
    ]
    values_NC = np.array(values, np.float64)  # None becomes NaN
    split = 2 + len(near_first)
    return Ends(values_NC[:, 0], values_NC[:, 1], values_NC[:, 2:split], values_NC[:, split:])


def row_pixels(where: str, fields: list[str], layout: Layout) -> list[float]:
    """Return a row's pixels; where the label may be first or last, those between the two.

    Raises
    ------
    DataError
        With the first mistake, also in the label.
    """
    if layout.label is not None and (problem := label_problem(fields[layout.label])):
        raise DataError(f"{where}, column {layout.label + 1}: {problem}")
    columns = layout.columns[1:-1] if layout.label is None else layout.pixels
    pixels: list[float] = []
    try:
        pixels.extend(pixel(fields[column], layout.separator) for column in columns)
    except ValueError as error:  # those before the mistake are in the list
        raise DataError(f"{where}, column {columns[len(pixels)] + 1}: {error}") from None
    return pixels


@functools.lru_cache(maxsize=4096)  # a file spells its pixels in few ways
def pixel(text: str, separator: str = ",") -> float:
    """Parse a pixel (7, 7.0, " 7", 0.25); raise a ValueError that says what is wrong with it."""
    value = number(text, separator)
    if value is not None and 0 <= value <= 255:
        return value
    is_missing = text.strip().lower() in MISSING
    found = f"is missing (found {text!r})" if is_missing else f"found {text[:40]!r}"
    raise ValueError(f"{found}; a pixel must be a number from 0 to 255")
