"""What runs in a worker's process: it is prepared, holds datasets, and takes a step of a training.

A process holds a dataset under its digest, as long as it lives, so that no other process and no
memory manager of Dask's has a say in it.
"""

import functools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from distributed import get_worker

from mnist_seq.config.settings import Config, DataConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.data.load import load
from mnist_seq.data.pixel_format import PixelFormat
from mnist_seq.records import EpochRecord, TrainingState, TrainResult
from mnist_seq.workers.fingerprint import Fingerprint, fingerprint
from mnist_seq.workers.one_core import set_up

MOST_HELD = 4  # as many as the driver keeps

DataKey: TypeAlias = tuple[str, PixelFormat]
_held: OrderedDict[DataKey, Dataset] = OrderedDict()


@dataclass(frozen=True)
class TrainingFunctions:
    """The functions that run on the workers; each must be importable there."""

    warm_up: Callable[[], object]
    begin: Callable[[Config, Dataset], TrainingState]
    advance: Callable[[Config, Dataset, TrainingState], tuple[EpochRecord, TrainingState]]
    finish: Callable[[Config, Dataset, TrainingState], TrainResult]


class DatasetMissingError(Exception):
    """A process does not hold the dataset of a training: it must be sent."""


def prepare(functions: TrainingFunctions, topic: str) -> Fingerprint:
    """Set a remote worker's process up for trainings; return what it computes with.

    It is a task, and no plugin of Dask's: one that fails keeps no other worker from joining, and
    a process that comes later, or back, gets it as well.

    Parameters
    ----------
    topic : str
        Of Dask's events: told when the task starts.
    """
    worker = get_worker()
    worker.log_event(topic, worker.contact_address)
    set_up()
    functions.warm_up()
    return _own_fingerprint(functions)


@functools.cache
def _own_fingerprint(functions: TrainingFunctions) -> Fingerprint:
    return fingerprint(functions.begin, functions.advance)


def key_of(data: Dataset) -> DataKey:
    """Key under which a process holds a dataset."""
    return data.digest, data.pixel_format


def hold(data: Dataset) -> None:
    """Hold a dataset, in place of the one that was not used for the longest time."""
    _held[key_of(data)] = data
    while len(_held) > MOST_HELD:
        _held.popitem(last=False)


def run_step(
    step: Callable[..., Any],
    config: Config,
    key: DataKey,
    topic: str,
    start: int,
    reads: bool,
    *arguments: Any,
) -> Any:
    """Run a function of a config, a dataset that this process holds, and more arguments.

    Parameters
    ----------
    topic, start : str, int
        Of Dask's events, and what is told there when the task starts.
    reads : bool
        Whether the dataset may be read from this package, if it is not held.

    Raises
    ------
    DatasetMissingError
        If the dataset is not held, and cannot be read here.
    """
    get_worker().log_event(topic, start)
    set_up()  # a process that took the place of another was not prepared
    if key not in _held and reads:
        _read(config.data, key)
    if key not in _held:
        raise DatasetMissingError(key)
    _held.move_to_end(key)
    return step(config, _held[key], *arguments)


def _read(config: DataConfig, key: DataKey) -> None:
    data = replace(load(config), test=None)
    if key_of(data) == key:
        hold(data)


def epoch_record(both: tuple[EpochRecord, TrainingState]) -> EpochRecord:
    """Return an epoch's record."""
    return both[0]


def epoch_state(both: tuple[EpochRecord, TrainingState]) -> TrainingState:
    """Return the state after an epoch."""
    return both[1]
