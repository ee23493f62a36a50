"""A CSV file as text: its path, its encoding and its rows, within limits that real images keep."""

import codecs
import csv
import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from mnist_seq.errors import DataError

# MNIST's 60,000 rows are 0.1 GiB, EMNIST's 814,255 about 1.5: more is a mistake, or a gzip bomb.
MAX_TEXT_BYTES = 4 * 2**30
MAX_ROWS = 2_000_000
MAX_ROW_LENGTH = 8 * 2**20
# MNIST is packed to an eighth, line drawings of 512 by 512 pixels to a hundredth.
MAX_PACKING = 300
ANY_PACKING_BYTES = 64 * 2**20  # blank images may be packed to less
BLOCK_BYTES = 2**20


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


def check_text(file: str) -> str:
    """Return the encoding of a file, after checking that all of it is text within the limits.

    Returns
    -------
    str
        Python's name: ``utf-8-sig``, or ``utf-16`` where the file begins with its mark.

    Raises
    ------
    DataError
        If it is not.
    """
    path = existing_file(file)
    try:
        most = max(ANY_PACKING_BYTES, MAX_PACKING * path.stat().st_size)
        with _open(path) as content:
            mark = content.peek(2)[:2]
            encoding = "utf-16" if mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else None
            _check_blocks(file, content, encoding or "utf-8", most)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{file}: is not a whole gzip file") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
    return encoding or "utf-8-sig"


def open_text(file: str, encoding: str) -> io.TextIOWrapper:
    """Open a file's text, without its byte-order mark and with its line ends as they are."""
    return io.TextIOWrapper(_open(existing_file(file)), encoding=encoding, newline="")


def split_rows(
    file: str, lines: Iterable[str], separator: str, first: int = 1
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the fields of each row; rows of nothing but separators are skipped.

    Parameters
    ----------
    file : str
        What an error message calls it.
    lines : iterable of str
        With their line ends.
    separator : str
        One character.
    first : int
        The number of the first line.

    Raises
    ------
    DataError
        If a row cannot be taken apart.
    """
    reader = csv.reader(lines, delimiter=separator)
    line = first
    try:
        for fields in reader:
            begins, line = line, reader.line_num + first
            if any(map(str.strip, fields)):
                yield begins, fields
    except csv.Error as error:
        raise DataError(f"{file}, row {line}: cannot be read ({error})") from None


def _open(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """Open a file in binary mode, decompressing .gz files."""
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _check_blocks(
    file: str, content: gzip.GzipFile | io.BufferedReader, encoding: str, most_bytes: int
) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    size, row, unbroken = 0, 1, 0
    no_text = "is not UTF-8 text; save it as CSV in UTF-8"
    while True:
        block = content.read(BLOCK_BYTES)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            row += error.object[: error.start].count(b"\n")
            raise DataError(f"{file}, row {row}: {no_text}") from None
        if (binary := text.find("\0")) >= 0:
            row += text[:binary].count("\n")
            raise DataError(f"{file}, row {row}: {no_text}")
        if not block:
            return
        size += len(block)
        row += max(text.count("\n"), text.count("\r"))
        last_break = max(text.rfind("\n"), text.rfind("\r"))
        unbroken = len(text) - last_break - 1 + (unbroken if last_break < 0 else 0)
        if size > MAX_TEXT_BYTES:
            raise DataError(f"{file}: is more than {MAX_TEXT_BYTES / 2**30:g} GiB of text")
        if size > most_bytes:
            raise DataError(
                f"{file}: unpacks to more than {MAX_PACKING} times its size, as no images do"
            )
        if row > MAX_ROWS:
            raise DataError(f"{file}: has more than {MAX_ROWS} rows")
        if unbroken > MAX_ROW_LENGTH:
            raise DataError(f"{file}, row {row}: is longer than {MAX_ROW_LENGTH} characters")
