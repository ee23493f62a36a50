"""Trainings on two real processes, and the same training in this one."""

import functools
import time

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.network import training
from mnist_seq.records import (
    EpochRecord,
    TrainingState,
    TrainResult,
    WorkerEvent,
)
from mnist_seq.workers.pool import Workers
from mnist_seq.workers.tasks import TrainingFunctions
from tests.examples import config, few, sweep_config

FUNCTIONS = TrainingFunctions(training.warm_up, training.begin, training.advance, training.finish)
SETTINGS = sweep_config("workers.count=2", "workers.epoch_timeout=60").workers
SECONDS = 60.0
PLAIN = config("model.dropout=0.2")


def wait_until_free(pool: Workers, slots: int) -> None:
    deadline = time.monotonic() + SECONDS
    while pool.free < slots and time.monotonic() < deadline:
        time.sleep(0.01)
    assert pool.free == slots


def heard(pool: Workers, number: int) -> WorkerEvent:
    event = pool.next(SECONDS)
    assert event is not None, "nothing was heard"
    assert event[0] == number
    return event[1]


def trained_on(
    pool: Workers, settings: Config, data: Dataset, state: TrainingState | None = None
) -> TrainResult:
    """A whole training in one slot."""
    pool.start(0, settings, data, state)
    for _ in range(state.epoch if state else 0, settings.training.epochs):
        pool.advance(0)
        assert isinstance(heard(pool, 0), EpochRecord)
    pool.finish(0)
    result = heard(pool, 0)
    pool.drop(0)
    assert isinstance(result, TrainResult)
    return result


@functools.cache
def trained_here() -> TrainingState:
    *_, (_, state) = training.train(PLAIN, few())
    return state


def same_curves(first: tuple[EpochRecord, ...], second: tuple[EpochRecord, ...]) -> bool:
    return all(a.same_curve(b) for a, b in zip(first, second, strict=True))
