"""What all peers share: the plain Keras network, the arrays it is trained on, what is asked of it.

The network is the one that this project searches, written as a Keras user writes it: float pixels
between 0 and 1, ``compile``, ``fit``. A peer adds how trials are chosen, started and ended, and
says on stdout when a training starts, ends an epoch, and ends; whoever started it keeps the time.

Shape suffixes: N images, S steps (rows), F features (pixels a row), U units, K classes.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from pydantic import BaseModel

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.load import load

READOUTS = ("each_step", "mean", "max", "flatten", "attention")
# As many images at once as this project evaluates: the default would be the training's batch.
VALIDATION_BATCH = 500


class Setting(BaseModel):
    """One training: its network, and how it is trained."""

    units: int
    batch_size: int
    learning_rate: float
    epochs: int
    readout: str = "last"


class Job(BaseModel):
    """What a peer is asked to do, as JSON in its first argument.

    Attributes
    ----------
    data : DataConfig
        The images, and how they are split.
    settings : list of Setting
        To be trained one and all; where it is empty, the peer searches.
    trials : int
        How many trials a search has.
    seed : int
        Of the sampler, and of Keras.
    pruner : str
        Optuna's; Ray Tune has ASHA and KerasTuner its Hyperband.
    is_cosine : bool
        Whether the learning rate falls to zero over the epochs of each training.
    is_jit : bool
        Whether Keras compiles with XLA and runs 16 steps at a time. By default it does neither on
        a CPU; a user who knows may ask for both.
    """

    data: DataConfig
    settings: list[Setting]
    trials: int = 0
    seed: int = 0
    pruner: Literal["hyperband", "successive_halving"] = "hyperband"
    is_cosine: bool = False
    is_jit: bool = False


@dataclass(frozen=True)
class Arrays:
    """Float pixels in [0, 1], shape (N, S, F), and their classes, shape (N,)."""

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int32]
    validation_images: NDArray[np.float32]
    validation_labels: NDArray[np.int32]


def read_job() -> tuple[Job, Arrays]:
    """The job that this process was started with, and its images."""
    job = Job.model_validate_json(sys.argv[1])
    keras.utils.set_random_seed(job.seed)
    data = load(job.data)
    return job, Arrays(
        np.divide(data.train.images_NSF, 255, dtype=np.float32),
        data.train.labels_N,
        np.divide(data.validation.images_NSF, 255, dtype=np.float32),
        data.validation.labels_N,
    )


def say(*words: object) -> None:
    """One line on stdout: ``@ started``, ``@ epoch 0.9712`` (validation accuracy), ``@ ended``."""
    print("@", *words, flush=True)


class Announcer(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Says when a training starts, ends an epoch, and ends."""

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
        say("started")

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:  # noqa: ARG002
        say("epoch", logs["val_accuracy"])

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        say("ended")


def build(setting: Setting, arrays: Arrays, job: Job) -> keras.Model:
    """A compiled network; the learning rate is constant, or falls to zero over all epochs."""
    pixels = keras.Input(arrays.train_images.shape[1:])
    states = layers.LSTM(setting.units, return_sequences=setting.readout != "last")(pixels)
    classes = int(arrays.train_labels.max()) + 1
    answer = layers.Dense(classes, activation="softmax")(read_out(setting.readout, states))
    rate: Any = setting.learning_rate
    if job.is_cosine:
        steps = -(-len(arrays.train_labels) // setting.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(rate, steps * setting.epochs)
    model = keras.Model(pixels, answer)
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=[_accuracy_of_last_row() if setting.readout == "each_step" else "accuracy"],
        **({"jit_compile": True, "steps_per_execution": 16} if job.is_jit else {}),
    )
    return model


def fit(
    model: keras.Model,
    setting: Setting,
    arrays: Arrays,
    callbacks: Sequence[keras.callbacks.Callback],
    **epochs: int,
) -> Any:
    """Keras' history of a training.

    Parameters
    ----------
    **epochs : int
        ``epochs`` and ``initial_epoch`` of `keras.Model.fit`, where they are not the setting's.
    """
    train_labels, validation_labels = arrays.train_labels, arrays.validation_labels
    if setting.readout == "each_step":  # every row is asked for the class
        steps = arrays.train_images.shape[1]
        train_labels = np.repeat(train_labels[:, None], steps, axis=1)
        validation_labels = np.repeat(validation_labels[:, None], steps, axis=1)
    return model.fit(
        arrays.train_images,
        train_labels,
        batch_size=setting.batch_size,
        validation_data=(arrays.validation_images, validation_labels),
        validation_batch_size=VALIDATION_BATCH,
        callbacks=list(callbacks),
        verbose=0,
        **{"epochs": setting.epochs, **epochs},
    )


def suggest(trial: Any) -> Setting:
    """A setting from an Optuna trial, out of the default search's space, but for its lower ends."""
    units = trial.suggest_int("units", 16, 128, log=True)
    readout = "last"
    if trial.suggest_categorical("return_sequences", [True, False]):
        readout = trial.suggest_categorical("readout", READOUTS)
    return Setting(
        units=units,
        readout=readout,
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        batch_size=trial.suggest_categorical("batch_size", [28, 64, 128, 256]),
        epochs=trial.suggest_int("epochs", 3, MOST_EPOCHS),
    )


# What one trial may train at most: the budget that pruning divides, by this factor.
MOST_EPOCHS = 10
REDUCTION_FACTOR = 3


def read_out(readout: str, states: keras.KerasTensor) -> keras.KerasTensor:
    """What the last dense layer sees of the states [N, S, U] (last: the one state [N, U])."""
    ways: dict[str, Callable[[Any], Any]] = {
        "mean": layers.GlobalAveragePooling1D(),
        "max": layers.GlobalMaxPooling1D(),
        "flatten": layers.Flatten(),
        "attention": _attention,
    }
    return ways[readout](states) if readout in ways else states


def _attention(states: keras.KerasTensor) -> keras.KerasTensor:
    weights = layers.Softmax(axis=1)(layers.Dense(1)(states))
    return layers.Flatten()(layers.Dot(axes=1)([weights, states]))


def _accuracy_of_last_row() -> keras.metrics.Metric:
    def accuracy(labels_NS: Any, probabilities_NSK: Any) -> Any:
        return keras.metrics.sparse_categorical_accuracy(labels_NS[:, -1], probabilities_NSK[:, -1])

    return keras.metrics.MeanMetricWrapper(accuracy, name="accuracy")
