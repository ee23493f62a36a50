"""A training that sleeps, and tells in its records when it did: for measuring the gaps between."""

import itertools
import os
import time
from collections.abc import Iterable

import numpy as np

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.records import EpochRecord, TrainingState, TrainResult
from mnist_seq.search.storage import FinishedTrial
from mnist_seq.workers.tasks import TrainingFunctions

SECONDS = 0.05


def _begin(_config: Config, _data: Dataset) -> TrainingState:
    return TrainingState({}, {}, (), 0, {})


def _advance(
    config: Config, _data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    """Nobody judges by losses, rate and speed: they carry the clock and the process."""
    began = time.time()
    time.sleep(SECONDS)
    epoch = state.epoch + 1
    accuracy = 1 - abs(float(np.log10(config.training.learning_rate)) + 2.5) / 8 - 0.4 / epoch
    process = float(os.getpid())
    record = EpochRecord(epoch, began, accuracy, 1.0, accuracy, time.time(), SECONDS, process)
    return record, TrainingState({}, {}, (*state.records, record), epoch, {})


def _finish(_config: Config, _data: Dataset, state: TrainingState) -> TrainResult:
    return TrainResult(state.records, state.best_epoch, 1, b"")


def _warm_up() -> None:
    pass


SLEEPING = TrainingFunctions(_warm_up, _begin, _advance, _finish)


def idle_times(finished: Iterable[FinishedTrial]) -> tuple[list[float], list[float]]:
    """Milliseconds that each process slept not: between two epochs of a trial, and two trials."""
    spans: dict[float, list[tuple[float, float, int]]] = {}
    for trial in finished:
        for record in trial.records:
            span = (record["train_loss"], record["learning_rate"], trial.number)
            spans.setdefault(record["images_per_second"], []).append(span)
    epochs: list[float] = []
    trials: list[float] = []
    for of_one in spans.values():
        of_one.sort()
        for (_, ended, number), (began, _, following) in itertools.pairwise(of_one):
            (epochs if number == following else trials).append(1e3 * (began - ended))
    return epochs, trials
