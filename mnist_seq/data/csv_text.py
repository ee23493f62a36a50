"""A CSV file as text, once it is known to be text, of bearable size, and whole."""

import codecs
import gzip
import os
import zlib
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from mnist_seq.errors import DataError

# MNIST's 60,000 rows are 0.1 GiB, EMNIST's 814,255 about 1.5: more is a mistake, or a gzip bomb.
MAX_TEXT_BYTES = 4 * 2**30
MAX_ROW_BYTES = 8 * 2**20
BLOCK_BYTES = 2**20


def existing_file(file: str) -> Path:
    """The path of a file that is there and has the right ending.

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


def open_text(file: str) -> TextIO:
    """The file's text, unzipped, without a byte order mark, its line ends as they are."""
    path = existing_file(file)
    if _is_gzip(path):
        return cast("TextIO", gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")


def check_text(file: str) -> None:
    """Read the whole file once, a block at a time, so that nothing after it meets a surprise.

    Raises
    ------
    DataError
        If it cannot be read or unzipped, is not UTF-8, or is beyond a limit.
    """
    path = existing_file(file)
    try:
        with gzip.open(path) if _is_gzip(path) else path.open("rb") as content:
            _check_blocks(file, cast("BinaryIO", content))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{file}: is not a whole gzip file") from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None


def _check_blocks(file: str, content: BinaryIO) -> None:
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


def _is_gzip(path: Path) -> bool:
    return path.suffix.lower() == ".gz"
