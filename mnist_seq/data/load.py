"""Build a dataset from the ``data`` settings: read the source, split it, fit the scaling."""

import functools
from collections.abc import Callable
from dataclasses import replace

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.arrays import read_npz_file
from mnist_seq.data.csv.source import read_csv_files
from mnist_seq.data.dataset import Dataset, Source, Split, digest_of
from mnist_seq.data.digests import PARTS, part_digest
from mnist_seq.data.digits import read_digits
from mnist_seq.data.grey_values import pixel_max
from mnist_seq.data.images.source import read_image_folder
from mnist_seq.data.mnist import read_mnist
from mnist_seq.data.pixel_format import PixelFormat
from mnist_seq.data.scaling import SCALINGS
from mnist_seq.data.validation_split import split_parts

SOURCES: dict[str, Callable[[DataConfig], Source]] = {
    "mnist": lambda _: read_mnist(),
    "digits": lambda _: read_digits(),
    "csv": read_csv_files,
    "npz": read_npz_file,
    "images": read_image_folder,
}
TRAINED_ON_ALL = (
    "data.train_on=train+validation: the validation images are trained on as well, so that their "
    "accuracy says nothing of other images"
)


def load(config: DataConfig) -> Dataset:
    """Build the dataset that the settings describe; same settings and files give the same data.

    Raises
    ------
    DataError
        If a file cannot be read as images, or holds too few of them for the split.
    """
    source = SOURCES[config.source](config)
    parts = split_parts(source, config)
    highest, faint = pixel_max(source, parts.train, config)
    pixel_format = PixelFormat(
        highest, source.pool.has_fractions or source.test.has_fractions, config.transpose
    )
    train, validation, test = (
        part.in_format(pixel_format) for part in (parts.train, parts.validation, parts.test)
    )
    scaling = SCALINGS[config.scaling](train.images_NSF)
    seen = TRAINED_ON_ALL if config.train_on == "train+validation" else ""
    return Dataset(
        train=train,
        validation=validation,
        test=test,
        class_names=parts.class_names,
        scaling=scaling,
        digest=digest_of(train, validation, parts.class_names, scaling),
        part_digests={
            name: part_digest(part, parts.class_names)
            for name, part in zip(PARTS, (train, validation, test), strict=True)
        },
        description=source.description and f"{source.description}; {pixel_format.description}",
        pixel_format=pixel_format,
        warnings=tuple(filter(None, (*source.warnings, parts.left_out, faint, seen))),
    )


def training_data(config: DataConfig) -> Dataset:
    """Return the config's dataset without its test split, cached."""
    return _load_once(config)[0]


def test_split(config: DataConfig) -> Split:
    """Return the config's test split, cached."""
    return _load_once(config)[1]


def forget_datasets() -> None:
    """Empty the cache, so that files which may have changed are read again."""
    _load_once.cache_clear()


@functools.lru_cache(maxsize=4)
def _load_once(config: DataConfig) -> tuple[Dataset, Split]:
    data = load(config)
    assert data.test is not None  # every source has them
    return replace(data, test=None), data.test
