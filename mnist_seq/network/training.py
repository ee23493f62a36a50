"""A training as pure functions: `begin`, then `advance` once for each epoch, then `finish`.

In whichever process and order they are called, the same config, data and state give the same
result bit for bit. TensorFlow is imported when they are called, not before: the driver hands these
functions to its workers without loading it.

Shape suffixes: N images, T batches (optimizer steps) an epoch, S steps (rows), F features (pixels
a row), K classes.
"""

import functools
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.settings import Config, TrainingConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.data.pixel_format import Pixels
from mnist_seq.errors import NotFiniteError
from mnist_seq.network.keras_environment import KERAS_ENVIRONMENT
from mnist_seq.records import EpochRecord, TrainingState, TrainResult, is_better

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
# Keras imports these where they are installed, and works without them. Kept from it while it loads,
# `warm_up` takes 2.6 s instead of 4.1 s, and the process holds 511 MiB at its peak instead of
# 659 MiB (medians of 7 fresh processes each, in turn, on a 2-core machine).
_OPTIONAL_FOR_KERAS = {"matplotlib", "pandas", "sklearn"}
os.environ.update(KERAS_ENVIRONMENT)  # before the first of these functions loads it
# A program holds the weights of one training while it runs; a cluster's process may have threads.
_lock = threading.Lock()


def _synchronized(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorator: let only one thread at a time run any of the decorated functions."""

    @functools.wraps(function)
    def locked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with _lock:
            return function(*args, **kwargs)

    return locked


@_synchronized
def begin(config: Config, data: Dataset) -> TrainingState:
    """Compile the training program and return the state before the first epoch."""
    from mnist_seq.network.model import initial_weights
    from mnist_seq.network.program import program_for

    program = program_for(config, data)
    program.compile(data)
    weights = initial_weights(program.built_weights, config.seed)
    return TrainingState(
        weights=weights,
        optimizer=program.built_optimizer,
        records=(),
        best_epoch=0,
        best_weights=weights,
    )


@_synchronized
def advance(
    config: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    """Train for one more epoch; return its record and the state after it.

    Raises
    ------
    NotFiniteError
        If the training or the validation loss is NaN or infinite.
    """
    from mnist_seq.network.program import program_for

    program = program_for(config, data)
    program.compile(data)
    epoch = state.epoch + 1
    rates_T = learning_rates(config.training, epoch, program.steps)

    start = time.perf_counter()
    program.restore(state.weights, state.optimizer)
    train_loss, train_accuracy = program.train(config.training, config.seed, epoch, rates_T)
    weights, optimizer = program.snapshot()
    validated = program.averaged_weights(weights)
    validation_loss, validation_accuracy = program.evaluate(data.validation)
    seconds = time.perf_counter() - start

    if not (math.isfinite(train_loss) and math.isfinite(validation_loss)):
        raise NotFiniteError(
            f"the loss is not finite after epoch {epoch} (train {train_loss}, validation "
            f"{validation_loss}; batch_size {config.training.batch_size}, "
            f"learning_rate {config.training.learning_rate:g})"
        )
    record = EpochRecord(
        epoch=epoch,
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        validation_loss=validation_loss,
        validation_accuracy=validation_accuracy,
        learning_rate=float(rates_T[0]),
        seconds=seconds,
        images_per_second=len(data.train.labels_N) / seconds,
    )
    is_best = state.best_epoch == 0 or is_better(
        record, state.records[state.best_epoch - 1], config.training.monitor
    )
    return record, TrainingState(
        weights=weights,
        optimizer=optimizer,
        records=(*state.records, record),
        best_epoch=epoch if is_best else state.best_epoch,
        best_weights=validated if is_best else state.best_weights,
    )


@_synchronized
def finish(config: Config, data: Dataset, state: TrainingState) -> TrainResult:
    """Return the result of a finished training: its learning curve and its best network."""
    from mnist_seq.network.program import program_for

    program = program_for(config, data)
    program.restore(state.best_weights)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        program.network.model.save(path)
        return TrainResult(
            records=state.records,
            best_epoch=state.best_epoch,
            parameters=program.network.model.count_params(),
            model=path.read_bytes(),
        )


def train(config: Config, data: Dataset) -> Iterator[tuple[EpochRecord, TrainingState]]:
    """Train in this process; yield each epoch's record and the state after it."""
    state = begin(config, data)
    while state.epoch < config.training.epochs:
        record, state = advance(config, data, state)
        yield record, state


def predict(model: bytes, images_NSF: Pixels) -> NDArray[np.float32]:
    """Probabilities [N, K] that a saved model gives for images as their source writes them.

    Parameters
    ----------
    model : bytes
        A ``.keras`` file; it is loaded in Keras' safe mode, which runs no code from it.
    images_NSF : uint8 or float32, shape (N, S, F)
        What `PixelFormat.pixels` gives.
    """
    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(model)
        loaded = keras.saving.load_model(path, safe_mode=True)
    return np.asarray(loaded.predict(images_NSF, verbose=0))


def learning_rates(config: TrainingConfig, epoch: int, steps: int) -> NDArray[np.float64]:
    """Learning rate of each step of an epoch, shape (T,).

    References
    ----------
    cosine: Loshchilov & Hutter, "SGDR", ICLR 2017, eq. 5, with one period and a minimum of zero.
    warm-up: Goyal et al., "Accurate, Large Minibatch SGD", 2017, section 2.2; the schedule begins
    after it, as in Keras' CosineDecay.
    """
    warm, whole = round(config.warmup_epochs * steps), config.epochs * steps
    before_T = np.arange(steps) + (epoch - 1) * steps  # steps taken before each
    rates_T = np.full(steps, config.learning_rate)
    if config.schedule == "cosine":
        done_T = np.maximum(before_T - warm, 0) / max(whole - warm, 1)
        rates_T = np.asarray(config.learning_rate * (1 + np.cos(np.pi * done_T)) / 2)
    is_warm_T = before_T >= warm
    return np.where(is_warm_T, rates_T, config.learning_rate * before_T / max(warm, 1))


@_synchronized
def warm_up() -> None:
    """Import TensorFlow and Keras ahead of time, so that the first training starts sooner."""
    hidden: dict[str, Any] = dict.fromkeys(_OPTIONAL_FOR_KERAS - sys.modules.keys())
    sys.modules.update(hidden)  # None there makes their import an ImportError
    try:
        import mnist_seq.network.program  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
