"""What the columns of a CSV file are, as told by its first rows and its header.

Columns are indices here, from 0; messages count from 1, as a user does.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mnist_seq.data.csv.header import (
    LABEL_NAMES,
    is_header,
    is_index_name,
    is_mangled,
    normal,
    numbered_order,
    odd_name,
)
from mnist_seq.data.csv.labels import LabelPlace
from mnist_seq.data.csv.sample import SEPARATORS, first_rows
from mnist_seq.errors import DataError

MAX_SIDE = 512  # one row is one step: an LSTM learns little from longer sequences


@dataclass(frozen=True)
class Layout:
    """How the text of a CSV file becomes rows of labels and pixels.

    Attributes
    ----------
    encoding, separator, decimal : str
    first_line : int
        Of the first image, from 1.
    first_row : tuple of str
        Its fields.
    names : tuple of str
        Of all columns; empty without a header.
    columns : tuple of int
        The label's and the pixels'.
    index_columns : tuple of int
        Columns that number the rows, left out.
    label : int or None
        The label's column; None where only the values can tell.
    remarks : tuple of str
        What else a user should know of.
    """

    encoding: str
    separator: str
    decimal: str
    first_line: int
    first_row: tuple[str, ...]
    names: tuple[str, ...]
    columns: tuple[int, ...]
    index_columns: tuple[int, ...] = ()
    label: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """The first of the columns that are empty, from a separator at the end of each row."""
        return max(self.columns + self.index_columns) + 1

    @property
    def side(self) -> int:
        """Side length of the square images: rows, and pixels per row."""
        return math.isqrt(len(self.columns) - 1)

    @functools.cached_property
    def pixels(self) -> list[int]:
        """The pixels' columns, from the top left one on."""
        columns = [column for column in self.columns if column != self.label]
        order = numbered_order([self.names[c] for c in columns]) if self.names else None
        return [columns[i] for i in order] if order else columns

    @property
    def place(self) -> LabelPlace:
        """Whether the label column is before, between or after the pixel columns."""
        if self.label == self.columns[0]:
            return "first"
        return "last" if self.label == self.columns[-1] else "between"

    def neighbours(self) -> tuple[list[int], list[int]]:
        """Columns that would be next to the first and to the last column's pixel in an image."""
        if self.side < 2:
            return [], []
        columns = self.columns
        return [columns[1], columns[self.side]], [columns[-2], columns[-1 - self.side]]

    def at(self, place: LabelPlace) -> "Layout":
        """Return the same layout with the label in the first or the last column."""
        return replace(self, label=self.columns[0 if place == "first" else -1])


def find_layout(
    file: str, encoding: str, label_column: str | None, place: LabelPlace | None
) -> Layout:
    """Return the layout that a file's first rows show.

    Parameters
    ----------
    file, encoding : str
    label_column : str or None
        The setting ``data.label_column``: a name in the header, ``first`` or ``last``.
    place : "first", "last", "between" or None
        Where the training file has the label, if this is the test file.

    Raises
    ------
    DataError
        If these rows are no images, or the label is not where it should be.
    """
    sample = first_rows(file, encoding)
    rows, header = list(sample.rows), list[str]()
    if rows and is_header(rows[0][1], [fields for _, fields in rows[1:]]):
        header = rows.pop(0)[1]
    if not rows:
        raise DataError(f"{file}: has no images")
    line, first_row = rows[0]
    where = f"{file}, row {line}"
    end = _without_empty_end(header, [fields for _, fields in rows])
    names = _names(where, header, end)
    layout = Layout(
        encoding=encoding,
        separator=sample.separator,
        decimal=sample.decimal,
        first_line=line,
        first_row=tuple(first_row),
        names=names,
        columns=tuple(range(end)),
    )
    layout = _find_label(file, _without_index(layout, label_column), label_column, place)
    _check_side(where, layout)
    return replace(layout, remarks=_remarks(layout, header))


def _without_empty_end(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return how many columns there are before those that are empty in all of these rows."""
    end = width = len(rows[0])
    whole = [row for row in rows if len(row) == width]
    while end > 2 and not any(row[end - 1].strip() for row in whole):
        name = normal(header[end - 1]) if end <= len(header) else ""
        if name and not name.startswith("unnamed:"):
            break
        end -= 1
    return end if end > 2 else width


def _names(where: str, header: Sequence[str], end: int) -> tuple[str, ...]:
    """Return the names of the columns up to `end`."""
    named = len(header)
    while named > end and is_index_name(header[named - 1]):
        named -= 1
    if header and named != end:
        columns = "1 column" if end == 1 else f"{end} columns"
        raise DataError(f"{where}: has {columns}, but the header names {named}")
    return tuple(map(str.strip, header[:end]))


def _without_index(layout: Layout, label_column: str | None) -> Layout:
    index = tuple(
        column
        for column, name in enumerate(layout.names)
        if is_index_name(name) and name != label_column
    )
    columns = tuple(column for column in layout.columns if column not in index)
    return replace(layout, columns=columns, index_columns=index)


def _find_label(
    file: str, layout: Layout, label_column: str | None, place: LabelPlace | None
) -> Layout:
    names = [layout.names[column] for column in layout.columns] if layout.names else []
    if label_column is not None and (names or place is None):
        named = _named(names, label_column)
        if named is None and normal(label_column) in {"first", "last"}:
            return layout.at("first" if normal(label_column) == "first" else "last")
        if named is None:
            known = ", ".join(map(repr, names[:3]))
            has = f"has the columns {known}, ..." if names else "has no header"
            raise DataError(
                f"{file}: {has}; data.label_column must be a name in the header, first or last "
                f"(got {label_column!r})"
            )
    else:
        labels = [i for i, name in enumerate(names) if normal(name) in LABEL_NAMES]
        if len(labels) > 1:
            named_so = dict.fromkeys(normal(names[i]) for i in labels)
            choices = named_so if len(named_so) == len(labels) else ("first", "last")
            decides = " or ".join(f"data.label_column={choice}" for choice in choices)
            raise DataError(f"{file}: more than one column may be the label; {decides} decides")
        named = labels[0] if labels else odd_name(names)
        count = len(names)
        if named is None and count > 1 and math.isqrt(count) ** 2 == count:
            raise DataError(
                f"{file}: the header has no label column (label, class, target or y; "
                "data.label_column names another)"
            )
    if named is not None:
        return replace(layout, label=layout.columns[named])
    return layout


def _named(names: Sequence[str], wanted: str) -> int | None:
    for same in (str.strip, normal):
        found = [i for i, name in enumerate(names) if same(name) == same(wanted)]
        if len(found) == 1:
            return found[0]
    return None


def _check_side(where: str, layout: Layout) -> None:
    pixels, side = len(layout.columns) - 1, layout.side
    if pixels < 1:
        raise DataError(
            f"{where}: has one column; a row is a label and its pixels, separated by "
            "commas, semicolons, tabs or bars"
        )
    if side * side != pixels:
        raise DataError(
            f"{where}: has {pixels} pixels besides the label; a square image has "
            f"{side}*{side} = {side**2} or {side + 1}*{side + 1} = {(side + 1) ** 2}"
        )
    if side > MAX_SIDE:
        raise DataError(
            f"{where}: has an image of {side} by {side} pixels; "
            f"{MAX_SIDE} by {MAX_SIDE} is the largest"
        )


def label_remark(layout: Layout) -> str:
    """Return where the label stands, as a user would count."""
    assert layout.label is not None
    if layout.label == 0:
        return "label in the first column"
    if layout.label == layout.end - 1:
        return "label in the last column"
    return f"label in column {layout.label + 1}"


def _remarks(layout: Layout, header: Sequence[str]) -> tuple[str, ...]:
    remarks = []
    if layout.encoding == "utf-16":
        remarks.append("UTF-16")
    if layout.separator != ",":
        remarks.append(f"separated by {SEPARATORS[layout.separator]}")
    if layout.decimal != ".":
        remarks.append("decimal commas")
    if is_mangled(header):
        remarks.append("the first row, which pandas made a header of, left out")
    for column in layout.index_columns:
        name = f" {layout.names[column]!r}" if layout.names[column] else ""
        remarks.append(f"column {column + 1}{name} left out")
    if layout.pixels != sorted(layout.pixels):
        remarks.append("pixels in the order of their names")
    return tuple(remarks)
