"""CSV files that were read before, kept by their content: the second time takes no parsing.

A file may move or be renamed; any change of its bytes makes it a new one. Whatever goes wrong with
the cache, the file is simply read again.
"""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mnist_seq.data.csv_table import Table
from mnist_seq.data.csv_text import existing_file
from mnist_seq.errors import DataError

FORMAT = 1  # a new number leaves the tables of older versions behind


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/mnist-seq``, or ``~/.cache/mnist-seq`` where that is not set.

    References
    ----------
    XDG Base Directory Specification 0.8: a relative path there is to be ignored.
    """
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    root = chosen if chosen.is_absolute() else Path(os.path.expanduser("~")) / ".cache"  # noqa: PTH111 -- Path.expanduser fails where there is no home
    return root / "mnist-seq"


def read_once(file: str, parse: Callable[[str], Table]) -> Table:
    """The file's table: from the cache where its content is known, else parsed, and then kept.

    Raises
    ------
    DataError
        If the file cannot be read; or whatever `parse` raises.
    """
    kept = cache_folder() / f"{_content(file)}.v{FORMAT}.npz"
    table = _read(kept)
    if table is None:
        table = parse(file)
        _write(kept, table)
    return table


def _content(file: str) -> str:
    path = existing_file(file)
    try:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=16))
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
    # The same bytes are another table, or none, when they are read as gzip.
    return f"{digest.hexdigest()}{path.suffix.lower()}"


def _read(kept: Path) -> Table | None:
    try:
        with kept.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Table(arrays["images"], arrays["spelling"], tuple(map(str, arrays["labels"])))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # not there, or damaged


def _write(kept: Path, table: Table) -> None:
    temporary: Path | None = None
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
            temporary = Path(file.name)
            np.savez(
                file,
                images=table.images_NSF,
                spelling=table.spelling_N,
                labels=np.array(table.labels_L),
            )
        # Renaming is one step: another process sees the whole file or none.
        temporary.replace(kept)
    except OSError:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
