"""Trainings for the tests, and when two of them are alike."""

from omegaconf import OmegaConf

from mnist_seq.config.settings import Config
from mnist_seq.config.validation import with_values
from mnist_seq.data.dataset import Dataset
from mnist_seq.network import training
from mnist_seq.records import Arrays, EpochRecord, TrainingState
from tests import examples

Curve = list[tuple[EpochRecord, TrainingState]]
# Steps too small for an answer to change by: what differs then is not the network.
STANDING_STILL = ("training.learning_rate=1e-12",)
# The same in all tests with dropout: they share a program, which takes 1 s to compile.
WITH_DROPOUT = ("model.dropout=0.5", "training.optimizer=adamw")


def config(*overrides: str) -> Config:
    """What `examples.config` gives, without Hydra's 0.06 s for each set of overrides."""
    pairs = (override.partition("=") for override in overrides)
    values = {path: OmegaConf.create(f"value: {value}").value for path, _, value in pairs}
    return with_values(examples.config(), values)


def trained(settings: Config, data: Dataset) -> Curve:
    return list(training.train(settings, data))


def same_arrays(first: Arrays, second: Arrays) -> bool:
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype and first[name].tobytes() == second[name].tobytes()
        for name in first
    )
