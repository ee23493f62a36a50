"""Tables as CSV and Parquet files; texts that a spreadsheet cannot take for formulas."""

import contextlib
import io
import math

import pandas as pd

from mnist_seq.errors import in_one_line


def cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula; numbers stay so."""
    is_formula = text.startswith(("=", "+", "-", "@", "\t", "\r"))
    with contextlib.suppress(ValueError):
        is_formula = is_formula and math.isnan(float(text))
    return f"'{in_one_line(text)}" if is_formula else in_one_line(text)


def csv_file(table: pd.DataFrame) -> bytes:
    """Content of a CSV file: UTF-8, a header, nothing where a value is missing.

    Texts that would be formulas begin with ``'``; numbers have all their digits.
    """
    texts: list[str] = list(table.select_dtypes("string"))
    cleaned = table.assign(**{name: table[name].map(cell, na_action="ignore") for name in texts})
    return cleaned.to_csv(index=False, lineterminator="\n").encode()


def parquet_file(table: pd.DataFrame) -> bytes:
    """Content of a Parquet file, in which each column keeps its type."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()
