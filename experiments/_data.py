"""The images that a command trains on, read once; the test images are handed out apart."""

import functools

from mnist_seq.config import Config, DataConfig
from mnist_seq.data.dataset import Dataset, Part
from mnist_seq.data.load import load


@functools.lru_cache(maxsize=4)
def _load(config: DataConfig) -> Dataset:
    return load(config)


def data_of(config: Config) -> Dataset:
    """Dataset that a config names, without its test images; read once."""
    return _without_test(config.data)


def test_images(config: Config) -> Part:
    """Test images of the dataset that a config names, for the one scoring at the end."""
    test = _load(config.data).test
    assert test is not None  # every source has them
    return test


@functools.lru_cache(maxsize=4)
def _without_test(config: DataConfig) -> Dataset:
    return _load(config).without_test()
