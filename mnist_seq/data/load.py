"""From the settings under ``data`` to a dataset: read a source, split it, fit the scaling."""

from collections.abc import Callable

from mnist_seq.config import DataConfig
from mnist_seq.data.csv_files import read_csv_files
from mnist_seq.data.dataset import Dataset, Source, digest_of
from mnist_seq.data.digits import read_digits
from mnist_seq.data.mnist import read_mnist
from mnist_seq.data.scaling import SCALINGS
from mnist_seq.data.split import split

SOURCES: dict[str, Callable[[DataConfig], Source]] = {
    "mnist": lambda _: read_mnist(),
    "digits": lambda _: read_digits(),
    "csv": read_csv_files,
}


def load(config: DataConfig) -> Dataset:
    """The dataset that these settings describe; equal settings and files give equal bytes.

    Raises
    ------
    DataError
        If a file cannot be read as images, or holds too few of them for the split.
    """
    source = SOURCES[config.source](config)
    train, validation = split(source, config)
    scaling = SCALINGS[config.scaling](train.images_NSF)
    return Dataset(
        train=train,
        validation=validation,
        test=source.test,
        class_names=source.class_names,
        scaling=scaling,
        digest=digest_of(train, validation, source.class_names, scaling),
    )
