"""The user's own images, from a training and a test CSV file in the same format.

Shapes: N images, S steps, F features, K classes, L labels as a file spells them.
"""

import re

import numpy as np

from mnist_seq.config import DataConfig
from mnist_seq.data.csv_cache import read_once
from mnist_seq.data.csv_reader import Table, existing_file, rows
from mnist_seq.data.dataset import Source, Split
from mnist_seq.errors import DataError

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def read_csv_files(config: DataConfig) -> Source:
    """Images of ``data.train_file`` and ``data.test_file``.

    Classes are the training file's labels: in order of their value where all are whole numbers,
    else in order of their text.

    Raises
    ------
    DataError
        If a file is not in the format, or the two do not go together.
    """
    train_file, test_file = config.train_file, config.test_file
    assert train_file is not None  # DataConfig has made sure of both
    assert test_file is not None
    for file in (train_file, test_file):
        existing_file(file)
    train, test = read_once(train_file), read_once(test_file)

    names = {canonical(label) for label in train.labels_L}
    are_whole_numbers = all(WHOLE_NUMBER.fullmatch(name) for name in names)
    class_names = tuple(sorted(names, key=int if are_whole_numbers else str))
    if len(class_names) < 2:
        raise DataError(
            f"{train_file}: all images have the label {class_names[0]!r}; "
            "there must be at least two classes"
        )
    side, test_side = train.images_NSF.shape[1], test.images_NSF.shape[1]
    if side != test_side:
        raise DataError(
            f"{test_file}: has images of {test_side} by {test_side} pixels, "
            f"but {train_file} has images of {side} by {side}"
        )
    if unseen := {canonical(label) for label in test.labels_L} - set(class_names):
        # A table does not know its rows: the file is read again, up to the first such label.
        labels = ((line, canonical(fields[0])) for line, fields in rows(test_file))
        line, label = next((line, label) for line, label in labels if label in unseen)
        raise DataError(
            f"{test_file}, row {line}: label {label!r} is not among those of {train_file}"
        )
    return Source(
        name=train_file,
        pool=_as_split(train, class_names),
        test=_as_split(test, class_names),
        class_names=class_names,
    )


def canonical(label: str) -> str:
    """Normalize a label: strip spaces, and write integers as Python does (07 becomes 7)."""
    label = label.strip()
    return str(int(label)) if WHOLE_NUMBER.fullmatch(label) else label


def _as_split(table: Table, class_names: tuple[str, ...]) -> Split:
    index = {name: k for k, name in enumerate(class_names)}
    indices_L = np.array([index[canonical(label)] for label in table.labels_L], np.int32)
    return Split(table.images_NSF, indices_L[table.label_indices_N])
