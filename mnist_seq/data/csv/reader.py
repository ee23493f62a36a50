"""Read a CSV file of images into arrays, with one-line errors that locate the mistake.

A row is a label and the S * S pixels of a square image from its top left corner on, each a number
from 0 to 255. pandas reads the file; only where it will not, each row is looked at in Python, which
either understands what pandas did not or finds the first mistake. Rows count from 1, as an editor
shows them, and so do columns.
Shapes: N images, S steps, F features, P pixels, L labels as the file spells them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.csv.labels import Column, Ends, LabelPlace, label_problem, place_by_values
from mnist_seq.data.csv.layout import Layout, find_layout, label_remark
from mnist_seq.data.csv.rows import ends_by_rows, images_text, read_rows, row_pixels, rows
from mnist_seq.data.csv.text import check_text
from mnist_seq.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Pixels = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """Images and labels of one file, with their numbers as they stand there.

    Attributes
    ----------
    images_NSF : uint8 or float32, shape (N, S, S)
        From 0 to 255; uint8 where all are whole numbers.
    label_indices_N : int32, shape (N,)
        Indices into `labels_L`.
    labels_L : tuple of str
        Each label as it is spelled in the file, once, in order of appearance.
    label_column : int
        Where it stands in the file, from 1.
    label_place : "first", "last" or "between"
        Where it stands, seen from the pixels.
    remarks : tuple of str
        What the file seems to be, phrase by phrase, for a user to check.
    """

    images_NSF: Pixels
    label_indices_N: NDArray[np.int32]
    labels_L: tuple[str, ...]
    label_column: int
    label_place: LabelPlace
    remarks: tuple[str, ...]

    @property
    def description(self) -> str:
        """What the file seems to be."""
        side, low, high = len(self.images_NSF[0]), self.images_NSF.min(), self.images_NSF.max()
        sizes = f"{side}×{side} pixels", f"grey values {low:g} to {high:g}"  # noqa: RUF001
        return ", ".join([*self.remarks, *sizes])


def read_table(
    file: str, label_column: str | None = None, place: LabelPlace | None = None
) -> Table:
    """Images and labels of a file.

    Parameters
    ----------
    file : str
    label_column : str or None
        The setting ``data.label_column``: a name in the header, ``first`` or ``last``.
    place : "first", "last", "between" or None
        Where the training file has its label, if this is the test file.

    Raises
    ------
    DataError
        If it is not a file of images in the format that this module describes.
    """
    layout = find_layout(file, check_text(file), label_column, place)
    # pandas takes a column of nothing but True for ones, so the first row is looked at in any case.
    row_pixels(f"{file}, row {layout.first_line}", list(layout.first_row), layout)
    table = _by_pandas(file, layout, place)
    if table is None:
        if layout.label is None:
            layout = _with_label(file, layout, place, ends_by_rows(file, layout))
        values_NP, labels = read_rows(file, layout)
        pixels_NP = _grey_values(values_NP)
        assert pixels_NP is not None  # each has been looked at
        table = _table(layout, pixels_NP, labels)
    return table


def labels_by_row(
    file: str, column: int, label_column: str | None, place: LabelPlace | None
) -> Iterator[tuple[int, str]]:
    """Yield the line number and the label of each image; its column is known from the table."""
    layout = find_layout(file, check_text(file), label_column, place)
    return ((line, fields[column - 1]) for line, fields in rows(file, layout))


def _by_pandas(file: str, layout: Layout, place: LabelPlace | None) -> Table | None:
    """Return the table, or None where pandas does not understand each field."""
    import pandas as pd

    may_be_label = [layout.columns[0], layout.columns[-1]]
    if layout.label is not None:
        may_be_label = [layout.label]
    left_out = [*layout.index_columns, *range(layout.end, len(layout.first_row))]
    frame = _frame(file, layout, [*may_be_label, *left_out])
    if (
        frame is None
        or (frame.iloc[:, layout.end :] != "").any(axis=None)
        or any(frame[column].duplicated().any() for column in layout.index_columns)
    ):
        return None
    texts = {}
    for column in may_be_label:
        indices_N, uniques = pd.factorize(frame[column])
        texts[column] = Column(indices_N, tuple(map(str, uniques)))
    if layout.label is None:
        first_N, last_N = (texts[column].numbers(layout.separator) for column in may_be_label)
        near = [frame[columns].to_numpy() for columns in layout.neighbours()]
        layout = _with_label(file, layout, place, Ends(first_N, last_N, *near))
        if layout.place == "first":
            frame[layout.columns[-1]] = last_N.astype(np.float32)
        else:
            frame[layout.columns[0]] = first_N.astype(np.float32)
    assert layout.label is not None
    pixels = layout.pixels
    is_block = pixels == list(range(pixels[0], pixels[-1] + 1))  # without a copy, then
    chosen = frame.iloc[:, pixels[0] : pixels[-1] + 1] if is_block else frame[pixels]
    pixels_NP = _grey_values(chosen.to_numpy())
    labels = texts[layout.label]
    if pixels_NP is None or any(map(label_problem, labels.texts_L)):
        return None
    return _table(layout, pixels_NP, labels)


def _frame(file: str, layout: Layout, as_text: list[int]) -> "pd.DataFrame | None":
    """Return all columns as pandas reads them, without rows that are empty."""
    import pandas as pd

    numeric = [column for column in range(layout.end) if column not in as_text]
    # Whole numbers take a quarter of the memory, and most files have no others.
    for kind in (np.uint8, np.float32):
        # Column by column: of a defaultdict, pandas 3.1 forgets the label after its first 256 KiB.
        types: dict[int, type] = dict.fromkeys(as_text, str) | dict.fromkeys(numeric, kind)
        try:
            # Numbers beyond all integers are refused with a warning.
            with images_text(file, layout) as text, np.errstate(invalid="ignore"):
                frame = pd.read_csv(
                    text,
                    sep=layout.separator,
                    decimal=layout.decimal,
                    header=None,
                    dtype=types,
                    keep_default_na=False,
                    na_values={column: [""] for column in numeric},  # type: ignore[misc]  # of names
                    na_filter=kind is np.float32,
                )
        except (ValueError, OverflowError):
            continue
        may_be_empty = (frame[as_text] == "").all(axis=1)
        if may_be_empty.any():
            return frame[~(may_be_empty & frame[numeric].isna().all(axis=1))]
        return frame
    return None


def _grey_values(values_NP: NDArray[Any]) -> Pixels | None:
    """Return numbers as uint8 where all are whole, else as float32; None if some are no pixels."""
    if values_NP.dtype == np.uint8:
        return values_NP
    if not (values_NP.min() >= 0 and values_NP.max() <= 255):  # NaN is neither
        return None
    whole_NP = values_NP.astype(np.uint8)
    return whole_NP if np.array_equal(whole_NP, values_NP) else values_NP.astype(np.float32)


def _table(layout: Layout, pixels_NP: Pixels, labels: Column) -> Table:
    assert layout.label is not None
    images_NSF: Any = np.ascontiguousarray(pixels_NP).reshape(-1, layout.side, layout.side)
    return Table(
        images_NSF=images_NSF,
        label_indices_N=labels.indices_N.astype(np.int32),
        labels_L=labels.texts_L,
        label_column=layout.label + 1,
        label_place=layout.place,
        remarks=(label_remark(layout), *layout.remarks),
    )


def _with_label(file: str, layout: Layout, place: LabelPlace | None, ends: Ends) -> Layout:
    """Return the layout with its label in the first or last column, whichever the values tell."""
    if place == "between":
        raise DataError(
            f"{file}: has no header that names the label, which in the training file is neither "
            "first nor last"
        )
    found = place_by_values(ends)
    if found is None and place is None:
        raise DataError(
            f"{file}: both the first and the last column may be the label; "
            "data.label_column=first or data.label_column=last decides"
        )
    if found is not None and place not in {None, found}:
        raise DataError(
            f"{file}: the label seems to be in the {found} column, in the training file it is in "
            f"the {place}; data.label_column={place} says that it is there in both"
        )
    return layout.at(place or found or "first")
