"""The user's own images, from a training and a test CSV file in the same format.

Shapes: N images, S steps, F features, K classes, L labels as a file spells them.
"""

import numpy as np

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.csv.cache import read_once
from mnist_seq.data.csv.labels import WHOLE_NUMBER, canonical
from mnist_seq.data.csv.reader import Table, labels_by_row
from mnist_seq.data.csv.text import existing_file
from mnist_seq.data.dataset import RawSplit, Source
from mnist_seq.errors import DataError


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
    train = read_once(train_file, config.label_column)
    test = read_once(test_file, config.label_column, train.label_place)

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
        labels = labels_by_row(test_file, test.label_column, config.label_column, train.label_place)
        line, label = next((line, text) for line, text in labels if canonical(text) in unseen)
        raise DataError(
            f"{test_file}, row {line}: label {canonical(label)!r} is not among "
            f"those of {train_file}"
        )
    return Source(
        name=train_file,
        pool=_as_split(train, class_names),
        test=_as_split(test, class_names),
        class_names=class_names,
        description=_description(train_file, train, test_file, test),
    )


def _description(train_file: str, train: Table, test_file: str, test: Table) -> str:
    """Describe what the training file seems to be, and how the test file differs from it."""
    text = f"{train_file}: {train.description}"
    if test.remarks != train.remarks:
        text += f"; {test_file}: {', '.join(test.remarks)}"
    return text


def _as_split(table: Table, class_names: tuple[str, ...]) -> RawSplit:
    index = {name: k for k, name in enumerate(class_names)}
    indices_L = np.array([index[canonical(label)] for label in table.labels_L], np.int32)
    return RawSplit(table.images_NSF, indices_L[table.label_indices_N])
