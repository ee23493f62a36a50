"""Trainings for the tests, and when two of them are alike."""

from mnist_seq import training
from mnist_seq.config import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.records import Arrays, EpochRecord, State

Curve = list[tuple[EpochRecord, State]]
# Steps too small for a float32 weight to change by: what differs then is not the network.
STANDING_STILL = ("training.optimizer=sgd", "training.learning_rate=1e-12")


def trained(settings: Config, data: Dataset) -> Curve:
    return list(training.train(settings, data))


def same_arrays(first: Arrays, second: Arrays) -> bool:
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype and first[name].tobytes() == second[name].tobytes()
        for name in first
    )
