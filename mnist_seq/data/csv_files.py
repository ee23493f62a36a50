"""Your own images: a CSV file to train on and one to test with, in the same format.

A row is a label, then the S * S pixels of a square image from its top left corner on, each a whole
number from 0 to 255. Shapes: N images, S steps, F features, K classes, L labels as a file spells
them.
"""

import re

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config import DataConfig
from mnist_seq.data.csv_cache import read_once
from mnist_seq.data.csv_table import Table, read_table, rows
from mnist_seq.data.csv_text import existing_file
from mnist_seq.data.dataset import Part, Source
from mnist_seq.errors import DataError

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def read_csv_files(config: DataConfig) -> Source:
    """The images of ``data.train_file`` and ``data.test_file``.

    Classes are the training file's labels: in order of their value where all are whole numbers,
    else in order of their text.

    Raises
    ------
    DataError
        If a file is not in the format, or the two do not go together.
    """
    # DataConfig has made sure of both; this tells the type checker.
    assert config.train_file is not None
    assert config.test_file is not None
    for file in (config.train_file, config.test_file):
        existing_file(file)
    train = read_once(config.train_file, read_table)
    test = read_once(config.test_file, read_table)

    class_names = class_names_of(train)
    if len(class_names) < 2:
        raise DataError(
            f"{config.train_file}: all images have the label {class_names[0]!r}; "
            "there must be at least two classes"
        )
    if train.images_NSF.shape[1:] != test.images_NSF.shape[1:]:
        raise DataError(
            f"{config.test_file}: has images of {_size(test)} pixels, "
            f"but {config.train_file} has images of {_size(train)}"
        )
    unseen = sorted({canonical(label) for label in test.labels_L} - set(class_names))
    if unseen:
        raise _never_seen(config.test_file, config.train_file, set(unseen))
    return Source(
        name=config.train_file,
        pool=Part(train.images_NSF, _places(train, class_names)),
        test=Part(test.images_NSF, _places(test, class_names)),
        class_names=class_names,
    )


def class_names_of(table: Table) -> tuple[str, ...]:
    """The different labels, sorted as numbers where all are whole numbers, else as text."""
    names = {canonical(label) for label in table.labels_L}
    if all(WHOLE_NUMBER.fullmatch(name) for name in names):
        return tuple(sorted(names, key=int))
    return tuple(sorted(names))


def canonical(label: str) -> str:
    """A label without its spaces; a whole number as Python writes it, so that 07 is 7."""
    label = label.strip()
    return str(int(label)) if WHOLE_NUMBER.fullmatch(label) else label


def _places(table: Table, class_names: tuple[str, ...]) -> NDArray[np.int32]:
    place = {name: k for k, name in enumerate(class_names)}
    places_L = np.array([place[canonical(label)] for label in table.labels_L], np.int32)
    return places_L[table.spelling_N]


def _size(table: Table) -> str:
    return f"{table.images_NSF.shape[1]} by {table.images_NSF.shape[2]}"


def _never_seen(test_file: str, train_file: str, unseen: set[str]) -> DataError:
    # Images do not remember their rows: the file is read again, up to the first such label.
    line, label = next(
        (line, canonical(fields[0]))
        for line, fields in rows(test_file)
        if canonical(fields[0]) in unseen
    )
    return DataError(f"{test_file}, row {line}: label {label!r} is not among those of {train_file}")
