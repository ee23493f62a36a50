"""Labels as CSV files spell them, and which of two columns holds them.

Shapes: N images, L texts as a file spells them.
"""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

LabelPlace: TypeAlias = Literal["first", "last", "between"]

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none"})
MAX_LABEL_LENGTH = 100
FEW = 0.1  # so many of a column's values may be mistakes
MIN_IMAGES, MIN_EXCEPTIONS = 50, 5  # fewer that differ from the rest tell nothing of likeness
MIN_CORRELATION = 0.4
BACKGROUND, NO_BACKGROUND = 0.9, 0.5  # shares of the images that have a column's commonest value

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
# As programs write them: "00e1" and "30e5" are codes, "1,000" may be a thousand.
_WHOLE_AS_FLOAT = re.compile(
    r"[+-]?([0-9]{1,15}(\.0*|,00?)|[1-9]([.,][0-9]*)?[eE][+-]?[0-9]{1,2}|0([.,]0*)?[eE][+-]?0{1,2})"
)


def number(text: str, separator: str = ",") -> float | None:
    """Parse a number; return None for NaN, infinity and any other text.

    Where columns are not separated by commas, a decimal comma is as good as a point.
    """
    text = text.strip()
    if separator != ",":
        text = text.replace(",", ".", 1)
    return float(text) if _NUMBER.fullmatch(text) else None


def canonical(label: str) -> str:
    """Normalize a label: strip spaces, and write whole numbers as Python does.

    ``7``, ``07``, ``+7``, ``7.0`` and ``7e0`` are one class.
    """
    label = label.strip()
    if WHOLE_NUMBER.fullmatch(label):
        return str(int(label))
    if _WHOLE_AS_FLOAT.fullmatch(label):
        value = float(label.replace(",", "."))
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
    return label


def label_problem(text: str) -> str | None:
    """What is wrong with a label, or None."""
    if not text.strip():
        return "the label is missing"
    if text.strip().lower() in MISSING:
        return f"the label is missing (found {text.strip()!r})"
    if len(text) > MAX_LABEL_LENGTH:
        return f"the label is longer than {MAX_LABEL_LENGTH} characters"
    return None


@dataclass(frozen=True)
class Column:
    """A column's texts, each once, and which of them stands in which image's row.

    Attributes
    ----------
    indices_N : int, shape (N,)
        Indices into `texts_L`.
    texts_L : tuple of str
        As the file spells them.
    """

    indices_N: NDArray[np.integer]
    texts_L: tuple[str, ...]

    def numbers(self, separator: str) -> NDArray[np.float64]:
        """Return the column's numbers; NaN where a text is none."""
        numbers = [number(text, separator) for text in self.texts_L]
        values_L = np.array(numbers, np.float64)  # None becomes NaN
        return np.asarray(values_L[self.indices_N])


@dataclass(frozen=True)
class Ends:
    """A table's first and last column, of which one is the label and the other a pixel.

    Attributes
    ----------
    first_N, last_N : float, shape (N,)
        NaN where a text is not a number.
    near_first_N2, near_last_N2 : float, shape (N, 2) or (N, 0)
        What would be their neighbours in the image.
    """

    first_N: NDArray[np.float64]
    last_N: NDArray[np.float64]
    near_first_N2: NDArray[np.floating]
    near_last_N2: NDArray[np.floating]


def place_by_values(ends: Ends) -> Literal["first", "last"] | None:
    """Which of two columns must be the label; None where both may be.

    A column that holds other things than grey values is no pixel. A column that is the same in all
    images, or has fractions, is no label. A pixel is much like its neighbours; a class number is
    not. A corner that is background nearly always is a pixel, where the other column is not.
    """
    both = ends.first_N, ends.last_N
    is_pixel = [np.mean((column >= 0) & (column <= 255)) >= 1 - FEW for column in both]
    if is_pixel[0] != is_pixel[1]:
        return "last" if is_pixel[0] else "first"
    if not all(is_pixel):
        return "first"  # where the mistakes are told
    is_constant = [np.ptp(column) == 0 for column in both]
    if any(is_constant):
        return None if all(is_constant) else "last" if is_constant[0] else "first"
    if _has_fractions(ends.first_N) != _has_fractions(ends.last_N):
        return "first" if _has_fractions(ends.last_N) else "last"
    like_first = _likeness(ends.first_N, ends.near_first_N2)
    like_last = _likeness(ends.last_N, ends.near_last_N2)
    low, high = sorted([like_first, like_last])
    if high >= MIN_CORRELATION and low <= high / 2:
        return "first" if like_last > like_first else "last"
    share_first, share_last = map(_largest_share, both)
    if min(share_first, share_last) <= NO_BACKGROUND and max(share_first, share_last) >= BACKGROUND:
        return "first" if share_last > share_first else "last"
    return None


def _has_fractions(column_N: NDArray[np.float64]) -> bool:
    return bool(np.mean(np.mod(column_N, 1) != 0) > FEW)


def _largest_share(column_N: NDArray[np.float64]) -> float:
    return float(np.unique(column_N, return_counts=True)[1].max() / len(column_N))


def _likeness(column_N: NDArray[np.float64], neighbours_N2: NDArray[np.floating]) -> float:
    """Largest correlation of a column with its neighbours; 0 where there is too little to tell."""
    likeness = 0.0
    for neighbour_N in neighbours_N2.T:
        pair = np.stack([column_N, neighbour_N])
        exceptions = (pair != np.median(pair, axis=1, keepdims=True)).sum(axis=1).min()
        if len(column_N) < MIN_IMAGES or exceptions < MIN_EXCEPTIONS or np.isnan(pair).any():
            continue
        likeness = max(likeness, abs(float(np.corrcoef(pair)[0, 1])))
    return likeness
