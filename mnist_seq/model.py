"""From a config to a Keras model: scaling, LSTM layers, readout, softmax. Stock layers only.

Shape suffixes: B images in a batch, S steps (rows), F features (pixels a row), U units, K classes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from mnist_seq.config import ModelConfig, Readout
from mnist_seq.records import Arrays


@dataclass(frozen=True)
class Network:
    """One network, seen from both ends.

    Attributes
    ----------
    model : keras.Model
        uint8 pixels [B, S, F] to probabilities [B, K]: what is saved and used.
    logits : keras.Model
        The same weights, before the softmax: [B, K], or [B, S, K] where every row is asked.
    """

    model: keras.Model
    logits: keras.Model


def build(
    config: ModelConfig,
    offset_SF: NDArray[np.float32],
    scale_SF: NDArray[np.float32],
    classes: int,
) -> Network:
    """Network for images of `offset_SF`'s shape; its weights are not yet those of any seed.

    Parameters
    ----------
    config : ModelConfig
        The architecture.
    offset_SF, scale_SF : float32, shape (S, F)
        A pixel enters the network as (pixel - offset) / scale.
    classes : int
        How many there are.
    """
    pixels = keras.Input(offset_SF.shape, dtype="uint8", name="pixels")
    states = layers.Normalization(
        axis=(1, 2), mean=offset_SF, variance=np.square(scale_SF), name="scaling"
    )(pixels)
    for depth in range(1, config.layers + 1):
        keep_all = config.return_sequences or depth < config.layers
        lstm = layers.LSTM(config.units, return_sequences=keep_all, name=f"lstm_{depth}")
        if config.bidirectional:
            lstm = layers.Bidirectional(lstm, name=f"bidirectional_{depth}")
        states = lstm(states)
        if config.dropout:
            # One mask for all steps: XLA draws random numbers slowly on a CPU, and a mask that
            # stays is the kind that suits recurrent layers (Gal & Ghahramani 2016).
            shape = (None, 1, None) if keep_all else None
            states = layers.Dropout(config.dropout, noise_shape=shape, name=f"dropout_{depth}")(
                states
            )
    logits = layers.Dense(classes, name="logits")(READOUTS[config.readout](states))
    answer = logits
    if config.readout == "each_step":
        answer = layers.Cropping1D((offset_SF.shape[0] - 1, 0), name="last_row")(answer)
        answer = layers.Flatten(name="answer")(answer)
    probabilities = layers.Softmax(name="probabilities")(answer)
    return Network(keras.Model(pixels, probabilities), keras.Model(pixels, logits))


def _attention(states: keras.KerasTensor) -> keras.KerasTensor:
    scores = layers.Dense(1, name="attention_score")(states)
    weights = layers.Softmax(axis=1, name="attention")(scores)
    return layers.Flatten(name="attended")(layers.Dot(axes=1)([weights, states]))


# What becomes of the states [B, S, U] (last: the one state [B, U]) before the last dense layer.
READOUTS: dict[Readout, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "last": lambda state: state,
    "each_step": lambda states: states,
    "mean": lambda states: layers.GlobalAveragePooling1D(name="mean")(states),
    "max": lambda states: layers.GlobalMaxPooling1D(name="max")(states),
    "flatten": lambda states: layers.Flatten(name="flatten")(states),
    "attention": _attention,
}


def seed_for(root: int, name: str) -> int:
    """32-bit seed reserved for `name`; a new name never shifts an old one."""
    return int.from_bytes(hashlib.blake2b(f"{root}:{name}".encode(), digest_size=4).digest(), "big")


# Keras' own defaults for LSTM and Dense. Biases are not random: they stay as they were built.
INITIALIZERS = {
    "kernel": keras.initializers.GlorotUniform,
    "recurrent_kernel": keras.initializers.Orthogonal,
}


def initial_weights(built: Arrays, seed: int) -> Arrays:
    """Fresh weights for a network, each array from a random stream of its own.

    Parameters
    ----------
    built : dict of str to array
        The weights as Keras built them, by path; only shapes and biases are used, so that one
        built network serves one training after another.
    seed : int
        The config's.
    """
    weights = dict(built)
    for path, array in built.items():
        initializer = INITIALIZERS.get(path.rpartition("/")[2])
        if initializer is not None:
            draw = initializer(seed=seed_for(seed, f"weights/{path}"))
            weights[path] = np.asarray(draw(array.shape, dtype="float32"))
    return weights
