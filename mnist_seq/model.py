"""From a config to a Keras model: scaling, LSTM layers, readout, softmax. Stock layers only.

While it is trained, its LSTM layers compute the same in another way (`mnist_seq.lstm`).

Shape suffixes: B images in a batch, S steps (rows), F features (pixels a row), U units, K classes.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from mnist_seq.config import ModelConfig, Readout
from mnist_seq.lstm import Scratch, TrainedLSTM
from mnist_seq.records import Arrays

# A layer, or what does the work of one.
Step: TypeAlias = Callable[[keras.KerasTensor], keras.KerasTensor]


@dataclass(frozen=True)
class Network:
    """One network, seen from three ends; its weights are the same from each.

    Attributes
    ----------
    model : keras.Model
        uint8 pixels [B, S, F] to probabilities [B, K]: what is saved and used.
    logits : keras.Model
        The answers before the softmax: [B, K], or [B, S, K] where every row is asked.
    training : keras.Model
        The logits of a network in training, for a batch whose size is known: beside the pixels it
        takes, for every layer that drops outputs, the factors [B, U] of its outputs: 0 where one
        is dropped.
    scratch : list of Scratch
        Of each direction of each layer of `training`.
    """

    model: keras.Model
    logits: keras.Model
    training: keras.Model
    scratch: list[Scratch]


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
    scaled = layers.Normalization(
        axis=(1, 2), mean=offset_SF, variance=np.square(scale_SF), name="scaling"
    )(pixels)
    depths = range(1, config.layers + 1)
    stack = [_lstm(config, depth) for depth in depths]
    read_out = READOUTS[config.readout]()
    dense = layers.Dense(classes, name="logits")

    def answer(lstms: Sequence[Step], drops: Sequence[Step]) -> keras.KerasTensor:
        states = scaled
        for lstm, drop in zip(lstms, drops, strict=True):
            states = drop(lstm(states))
        return dense(read_out(states))

    logits = answer(stack, [_dropout(config, depth) for depth in depths])
    # Keras' layer draws its masks inside the compiled epoch, where XLA is slow at that on a CPU.
    width = config.units * (1 + config.bidirectional)
    masks = [keras.Input((width,)) for _ in depths if config.dropout]
    drops = [_times(mask) for mask in masks] or [_as_it_is] * config.layers
    trained_stack = [TrainedLSTM(lstm) for lstm in stack]
    trained = answer(trained_stack, drops)
    last = logits
    if config.readout == "each_step":
        last = layers.Cropping1D((offset_SF.shape[0] - 1, 0), name="last_row")(last)
        last = layers.Flatten(name="answer")(last)
    probabilities = layers.Softmax(name="probabilities")(last)
    return Network(
        keras.Model(pixels, probabilities),
        keras.Model(pixels, logits),
        keras.Model([pixels, *masks], trained),
        [scratch for lstm in trained_stack for scratch in lstm.scratch],
    )


def _lstm(config: ModelConfig, depth: int) -> keras.Layer:
    keeps_all = config.return_sequences or depth < config.layers
    lstm = layers.LSTM(config.units, return_sequences=keeps_all, name=f"lstm_{depth}")
    if config.bidirectional:
        return layers.Bidirectional(lstm, name=f"bidirectional_{depth}")
    return lstm


def _dropout(config: ModelConfig, depth: int) -> Step:
    def drop(states: keras.KerasTensor) -> keras.KerasTensor:
        # One mask for all steps: the kind that suits recurrent layers (Gal & Ghahramani 2016).
        shape = (None, 1, None) if states.ndim == 3 else None
        layer = layers.Dropout(config.dropout, noise_shape=shape, name=f"dropout_{depth}")
        return layer(states)

    return drop if config.dropout else _as_it_is


def _times(mask: keras.KerasTensor) -> Step:
    def drop(states: keras.KerasTensor) -> keras.KerasTensor:
        factors = mask if states.ndim == 2 else layers.Reshape((1, mask.shape[-1]))(mask)
        return layers.Multiply()([states, factors])

    return drop


def _as_it_is(states: keras.KerasTensor) -> keras.KerasTensor:
    return states


def _attention() -> Step:
    score = layers.Dense(1, name="attention_score")
    softmax = layers.Softmax(axis=1, name="attention")
    dot = layers.Dot(axes=1)
    flatten = layers.Flatten(name="attended")
    return lambda states: flatten(dot([softmax(score(states)), states]))


# What makes of the states [B, S, U] (last: the one state [B, U]) what the last dense layer reads.
READOUTS: dict[Readout, Callable[[], Step]] = {
    "last": lambda: _as_it_is,
    "each_step": lambda: _as_it_is,
    "mean": lambda: layers.GlobalAveragePooling1D(name="mean"),
    "max": lambda: layers.GlobalMaxPooling1D(name="max"),
    "flatten": lambda: layers.Flatten(name="flatten"),
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
