"""The first rows of a CSV file, and what separates their columns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mnist_seq.data.csv.labels import number
from mnist_seq.data.csv.text import open_text, split_rows
from mnist_seq.errors import DataError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MAX_COLUMNS = 1_000_000  # in any row, before the first ones are taken apart
BLANK = "".join(SEPARATORS) + ' "\r\n'
SAMPLE_LINES = 20  # that are not blank
MAX_SAMPLE_LINES = 1000
SAMPLE_LENGTH = 2**18  # characters, after which no further line is taken


@dataclass(frozen=True)
class Sample:
    """A file's first rows.

    Attributes
    ----------
    separator : str
        Between columns.
    decimal : str
        A point, or a comma.
    rows : list of (int, list of str)
        Line numbers, from 1, and fields; a header, if there is one, is the first.
    """

    separator: str
    decimal: str
    rows: list[tuple[int, list[str]]]


def first_rows(file: str, encoding: str) -> Sample:
    """Return a file's first rows, split by the separator that yields the most numbers.

    Raises
    ------
    DataError
        If they cannot be taken apart.
    """
    lines, skipped = _first_lines(file, encoding)
    if any(line.count(separator) > MAX_COLUMNS for line in lines for separator in SEPARATORS):
        raise DataError(f"{file}: has a row of more than {MAX_COLUMNS} columns")
    separator = _hinted_separator(file, skipped + 1, lines[0]) if lines else None
    if separator is not None:
        lines, skipped = lines[1:], skipped + 1
    else:
        separator = _likely_separator(file, lines)
    rows = list(split_rows(file, lines, separator, skipped + 1))
    return Sample(separator, _decimal(separator, [fields for _, fields in rows]), rows)


def _first_lines(file: str, encoding: str) -> tuple[list[str], int]:
    """Return a file's first lines, and how many blank ones were skipped before."""
    lines: list[str] = []
    skipped = filled = length = 0
    with open_text(file, encoding) as text:
        for line in text:
            is_filled = bool(line.strip(BLANK))
            if not (lines or is_filled):
                skipped += 1
                continue
            lines.append(line)
            filled += is_filled
            length += len(line)
            if filled >= SAMPLE_LINES or len(lines) >= MAX_SAMPLE_LINES:
                break
            if length > SAMPLE_LENGTH and filled >= 3:
                break
    return lines, skipped


def _hinted_separator(file: str, line: int, text: str) -> str | None:
    """Return the separator that Excel is told of by a line like ``sep=;``."""
    hint = re.fullmatch(r'"?sep=(.)"?[,;\t|]*\s*', text)
    if hint is not None and hint[1] not in SEPARATORS:
        raise DataError(
            f"{file}, row {line}: sets the separator {hint[1]!r}; "
            f"it must be one of {' '.join(map(repr, SEPARATORS))}"
        )
    return hint and hint[1]


def _likely_separator(file: str, lines: Sequence[str]) -> str:
    """Return the separator that makes most numbers of these lines."""

    def numbers(separator: str) -> int:
        if not any(separator in line for line in lines):
            return 0
        rows = split_rows(file, lines, separator)
        return sum(number(field, separator) is not None for _, row in rows for field in row)

    def fields(separator: str) -> int:
        return sum(line.count(separator) for line in lines)

    return max(SEPARATORS, key=lambda separator: (numbers(separator), fields(separator)))


def _decimal(separator: str, rows: Sequence[Sequence[str]]) -> str:
    fields = (field for row in rows for field in row if "," in field)
    return "," if any(number(field, separator) is not None for field in fields) else "."
