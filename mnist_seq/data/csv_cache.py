"""On-disk cache of parsed CSV files, keyed by a hash of their content.

A file may move or be renamed; any change of its bytes makes it a new one. Whatever goes wrong with
the cache, the file is simply read again.
"""

import contextlib
import hashlib
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from mnist_seq.data.csv_reader import Table, existing_file, read_table
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


def read_once(file: str) -> Table:
    """Return a CSV file's images and labels from the cache, or parse the file and cache it.

    Raises
    ------
    DataError
        If it is not a file of images in the format of `mnist_seq.data.csv_reader`.
    """
    cached = cache_folder() / f"{_content_key(file)}.v{FORMAT}.npz"
    try:
        with cached.open("rb") as content, np.load(content, allow_pickle=False) as arrays:
            return Table(arrays["images"], arrays["spelling"], tuple(map(str, arrays["labels"])))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        pass  # not there, or damaged
    table = read_table(file)
    _write(cached, table)
    return table


def _content_key(file: str) -> str:
    path = existing_file(file)
    try:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=16))
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
    # The same bytes are another table, or none, when they are read as gzip.
    return f"{digest.hexdigest()}{path.suffix.lower()}"


def _write(cached: Path, table: Table) -> None:
    images_NSF, indices_N, labels_L = table.images_NSF, table.label_indices_N, table.labels_L
    with contextlib.suppress(OSError):
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
            # Only its owner may read a named temporary file.
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                np.savez(file, images=images_NSF, spelling=indices_N, labels=np.array(labels_L))
            # Renaming is one step: another process sees the whole file or none.
            Path(file.name).replace(cached)
