"""Build a dataset from the ``data`` settings: read the source, split it, fit the scaling."""

import functools
from collections.abc import Callable
from dataclasses import replace

from mnist_seq.config import DataConfig
from mnist_seq.data.csv_source import read_csv_files
from mnist_seq.data.dataset import Dataset, Source, Split, digest_of
from mnist_seq.data.digests import PARTS, part_digest
from mnist_seq.data.digits import read_digits
from mnist_seq.data.mnist import read_mnist
from mnist_seq.data.scaling import SCALINGS
from mnist_seq.data.validation_split import train_validation_split

SOURCES: dict[str, Callable[[DataConfig], Source]] = {
    "mnist": lambda _: read_mnist(),
    "digits": lambda _: read_digits(),
    "csv": read_csv_files,
}


def load(config: DataConfig) -> Dataset:
    """Build the dataset that the settings describe; same settings and files give the same data.

    Raises
    ------
    DataError
        If a file cannot be read as images, or holds too few of them for the split.
    """
    source = SOURCES[config.source](config)
    train, validation = train_validation_split(source, config)
    scaling = SCALINGS[config.scaling](train.images_NSF)
    return Dataset(
        train=train,
        validation=validation,
        test=source.test,
        class_names=source.class_names,
        scaling=scaling,
        digest=digest_of(train, validation, source.class_names, scaling),
        part_digests={
            name: part_digest(part, source.class_names)
            for name, part in zip(PARTS, (train, validation, source.test), strict=True)
        },
    )


def training_data(config: DataConfig) -> Dataset:
    """Return the config's dataset without its test split, cached."""
    return _load_once(config)[0]


def test_split(config: DataConfig) -> Split:
    """Return the config's test split, cached."""
    return _load_once(config)[1]


@functools.lru_cache(maxsize=4)
def _load_once(config: DataConfig) -> tuple[Dataset, Split]:
    data = load(config)
    assert data.test is not None  # every source has them
    return replace(data, test=None), data.test
