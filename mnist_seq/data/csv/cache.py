"""On-disk cache of parsed CSV files, keyed by a hash of their content.

A file may move or be renamed; any change of its bytes makes it a new one. Whatever goes wrong with
the cache, the file is simply read again.
"""

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.cache import Arrays, load_arrays, save_arrays
from mnist_seq.data.csv.labels import LabelPlace
from mnist_seq.data.csv.reader import Table, read_table
from mnist_seq.data.csv.text import existing_file
from mnist_seq.errors import DataError

FORMAT = 2  # a new number leaves the tables of older versions behind


def read_once(file: str, label_column: str | None = None, place: LabelPlace | None = None) -> Table:
    """Return a CSV file's images and labels from the cache, or parse the file and cache it.

    Its parameters are those of `mnist_seq.data.csv.reader.read_table`.

    Raises
    ------
    DataError
        If it is not a file of images in the format of `mnist_seq.data.csv.reader`.
    """
    name = f"{_key(file, label_column, place)}.v{FORMAT}"
    table = load_arrays(name, _table)
    if table is None:
        table = read_table(file, label_column, place)
        save_arrays(name, _arrays(table))
    return table


def _key(file: str, label_column: str | None, place: LabelPlace | None) -> str:
    path = existing_file(file)
    try:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=16))
        # The same bytes are another table, or none, when they are read as gzip, or otherwise.
        digest.update(json.dumps([path.suffix.lower(), label_column, place]).encode())
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def _table(arrays: Arrays) -> Table:
    return Table(
        images_NSF=arrays["images"],
        label_indices_N=arrays["spelling"],
        labels_L=tuple(map(str, arrays["labels"])),
        label_column=int(arrays["column"]),
        label_place=str(arrays["place"]),  # type: ignore[arg-type]  # as it was written
        remarks=tuple(map(str, arrays["remarks"])),
    )


def _arrays(table: Table) -> dict[str, NDArray[Any]]:
    return {
        "images": table.images_NSF,
        "spelling": table.label_indices_N,
        "labels": np.array(table.labels_L),
        "column": np.array(table.label_column),
        "place": np.array(table.label_place),
        "remarks": np.array(table.remarks),
    }
