"""Settings composed from the project's own files, and datasets that train within a second."""

import functools
from dataclasses import replace

from mnist_seq.commands import program
from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import SweepConfig, TrainConfig
from mnist_seq.config.settings import Config, Settings
from mnist_seq.config.validation import validate, with_values
from mnist_seq.data.dataset import Dataset, digest_of
from mnist_seq.data.load import training_data

# What the default search was before its trials had shifted images.
EARLIER_DEFAULTS = (
    "training.augmentation.shift=0",
    "search.space.training.epochs.low=3",
    "search.space.training.epochs.high=10",
    "search.space.training.learning_rate.low=1e-4",
    "search.baselines=[{model.units: 50, training.batch_size: 28, training.learning_rate: 0.001, "
    "training.schedule: constant}]",
)
COMMANDS: dict[str, type[Settings]] = {name: kind for name, (kind, _) in program.COMMANDS.items()}


@functools.cache
def sweep_config(*overrides: str) -> SweepConfig:
    """A search's settings, changed as on the command line."""
    return validate(SweepConfig, compose("sweep", SweepConfig, overrides))


def config(*overrides: str) -> Config:
    """A training's settings: a small network on digits, changed as on the command line."""
    small = ["data=digits", "model.units=6", "training.epochs=3", "training.learning_rate=0.01"]
    changed = {override.partition("=")[0] for override in overrides}
    kept = [setting for setting in small if setting.partition("=")[0] not in changed]
    return _train_config(*kept, *overrides)


@functools.cache
def few(source: str = "digits", train: int = 200, validation: int = 60) -> Dataset:
    """The first images of a dataset: 200 are seven batches of 28 and one of 4."""
    whole = _whole(source)
    parts = whole.train.take(slice(train)), whole.validation.take(slice(validation))
    digest = digest_of(*parts, whole.class_names, whole.scaling)
    return replace(whole, train=parts[0], validation=parts[1], digest=digest)


@functools.cache
def _train_config(*overrides: str) -> Config:
    whole = validate(TrainConfig, compose("train", TrainConfig, overrides))
    return with_values(whole, {})


@functools.cache
def _whole(source: str) -> Dataset:
    return training_data(config(f"data={source}").data)
