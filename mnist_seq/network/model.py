"""Build a config's Keras model from built-in layers: scaling, recurrent layers, readout, softmax.

While it is trained, its LSTM layers compute the same in another way (`mnist_seq.network.lstm`).

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

from mnist_seq.config.settings import Cell, ModelConfig, Order, Readout
from mnist_seq.data.listed import many
from mnist_seq.data.pixel_format import BYTES, PixelFormat
from mnist_seq.errors import ConfigError
from mnist_seq.network.lstm import RowBuffers, TrainingLSTM
from mnist_seq.records import Arrays

# A layer, or a function that is called like one.
LayerCall: TypeAlias = Callable[[keras.KerasTensor], keras.KerasTensor]


@dataclass(frozen=True)
class Network:
    """One network as three Keras models that share its weights.

    Attributes
    ----------
    model : keras.Model
        Images [B, S, F], as their source writes them, to probabilities [B, K]: what is saved and
        used.
    logits : keras.Model
        uint8 pixels, 0 to 255, to the answers before the softmax: [B, K], or [B, S, K] where every
        row is asked.
    training : keras.Model
        The logits in training, for a batch whose size is known. Takes such pixels and, with
        dropout, a mask [B, U] for each LSTM layer, which its outputs are multiplied by: 0 where
        one is dropped, 1 / (1 - dropout) elsewhere.
    row_buffers : list of RowBuffers
        Of `training`: one for each direction of each LSTM layer; empty for other cells.
    """

    model: keras.Model
    logits: keras.Model
    training: keras.Model
    row_buffers: list[RowBuffers]


def build(
    config: ModelConfig,
    offset_SF: NDArray[np.float32],
    scale_SF: NDArray[np.float32],
    classes: int,
    pixel_format: PixelFormat = BYTES,
) -> Network:
    """Build the Keras models of a config, with unseeded initial weights.

    Parameters
    ----------
    config : ModelConfig
        The architecture.
    offset_SF, scale_SF : float32, shape (S, F)
        A pixel enters the network as (pixel - offset) / scale.
    classes : int
        How many there are.
    pixel_format : PixelFormat
        How the images are written that `Network.model` takes.

    Raises
    ------
    ConfigError
        If rows and columns are to be read side by side, and have different lengths.
    """
    rows, columns = offset_SF.shape
    if config.order == "both" and rows != columns:
        size = f"{many(rows, 'row')} of {many(columns, 'pixel')}"
        raise ConfigError(f"model.order=both needs square images (got {size})")
    pixels = keras.Input(offset_SF.shape, dtype="uint8", name="pixels")
    scaling = layers.Normalization(
        axis=(1, 2), mean=offset_SF, variance=np.square(scale_SF), name="scaling"
    )
    read_in = ORDERS[config.order]()
    scaled = read_in(scaling(pixels))
    depths = range(1, config.layers + 1)
    recurrent = [_recurrent(config, depth) for depth in depths]
    norms = [_norm(config, depth) for depth in depths]
    dropouts = [_dropout(config, depth) for depth in depths]
    read_out = READOUTS[config.readout]()
    dense = layers.Dense(classes, name="logits")

    def connect(
        states: keras.KerasTensor, recurrent: Sequence[LayerCall], dropouts: Sequence[LayerCall]
    ) -> keras.KerasTensor:
        for layer, norm, dropout in zip(recurrent, norms, dropouts, strict=True):
            states = dropout(norm(layer(states)))
        return dense(read_out(states))

    logits = connect(scaled, recurrent, dropouts)
    # Keras' layer draws its masks inside the compiled epoch, where XLA is slow at that on a CPU.
    width = config.units * (1 + config.bidirectional)
    masks = [keras.Input((width,)) for _ in depths if config.dropout]
    training_dropouts = [_multiply_by(mask) for mask in masks] or [_identity] * config.layers
    training_lstms = [TrainingLSTM(layer) for layer in recurrent if config.cell == "lstm"]
    training_logits = connect(scaled, training_lstms or recurrent, training_dropouts)
    written, last = pixels, logits
    if pixel_format != BYTES:
        written, converted = _converted(pixel_format, offset_SF.shape)
        last = connect(read_in(scaling(converted)), recurrent, dropouts)
    if config.readout == "each_step":
        last = layers.Cropping1D((scaled.shape[1] - 1, 0), name="last_row")(last)
        last = layers.Flatten(name="answer")(last)
    probabilities = layers.Softmax(name="probabilities")(last)
    return Network(
        keras.Model(written, probabilities),
        keras.Model(pixels, logits),
        keras.Model([pixels, *masks], training_logits),
        [buffers for lstm in training_lstms for buffers in lstm.row_buffers],
    )


def _converted(
    pixel_format: PixelFormat, shape: tuple[int, ...]
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Input for images as their source writes them, and what `PixelFormat.images` makes of it."""
    if pixel_format.is_transposed:
        shape = shape[::-1]
    dtype = "uint8" if pixel_format.is_bytes else "float32"
    written = converted = keras.Input(shape, dtype=dtype, name="pixels")
    if not pixel_format.is_bytes:
        greys = layers.Rescaling(pixel_format.factor, name="grey_values")
        converted = keras.ops.round(greys(converted))
    if pixel_format.is_transposed:
        converted = layers.Permute((2, 1), name="transposed")(converted)
    return written, converted


def _recurrent(config: ModelConfig, depth: int) -> keras.Layer:
    layer = CELLS[config.cell](
        config.units,
        return_sequences=config.return_sequences or depth < config.layers,
        name=f"{config.cell}_{depth}",
    )
    if config.bidirectional:
        return layers.Bidirectional(layer, name=f"bidirectional_{depth}")
    return layer


def _norm(config: ModelConfig, depth: int) -> LayerCall:
    return layers.LayerNormalization(name=f"norm_{depth}") if config.layer_norm else _identity


def _dropout(config: ModelConfig, depth: int) -> LayerCall:
    def dropout(states: keras.KerasTensor) -> keras.KerasTensor:
        # One mask for all steps: the kind that suits recurrent layers (Gal & Ghahramani 2016).
        shape = (None, 1, None) if states.ndim == 3 else None
        layer = layers.Dropout(config.dropout, noise_shape=shape, name=f"dropout_{depth}")
        return layer(states)

    return dropout if config.dropout else _identity


def _multiply_by(mask: keras.KerasTensor) -> LayerCall:
    def dropout(states: keras.KerasTensor) -> keras.KerasTensor:
        factors = mask if states.ndim == 2 else layers.Reshape((1, mask.shape[-1]))(mask)
        return layers.Multiply()([states, factors])

    return dropout


def _identity(states: keras.KerasTensor) -> keras.KerasTensor:
    return states


def _columns() -> LayerCall:
    permute: LayerCall = layers.Permute((2, 1), name="columns")
    return permute


def _rows_and_columns() -> LayerCall:
    columns, both = _columns(), layers.Concatenate(name="both")
    return lambda rows: both([rows, columns(rows)])


def _attention() -> LayerCall:
    score = layers.Dense(1, name="attention_score")
    softmax = layers.Softmax(axis=1, name="attention")
    dot = layers.Dot(axes=1)
    flatten = layers.Flatten(name="attended")
    return lambda states: flatten(dot([softmax(score(states)), states]))


CELLS: dict[Cell, type[keras.Layer]] = {
    "lstm": layers.LSTM,
    "gru": layers.GRU,
    "simple_rnn": layers.SimpleRNN,
}
# From the scaled rows [B, S, F] to the steps that are read.
ORDERS: dict[Order, Callable[[], LayerCall]] = {
    "rows": lambda: _identity,
    "columns": _columns,
    "both": _rows_and_columns,
}
# From the states [B, S, U] ("last": the last state [B, U]) to the input of the last dense layer.
READOUTS: dict[Readout, Callable[[], LayerCall]] = {
    "last": lambda: _identity,
    "each_step": lambda: _identity,
    "mean": lambda: layers.GlobalAveragePooling1D(name="mean"),
    "max": lambda: layers.GlobalMaxPooling1D(name="max"),
    "flatten": lambda: layers.Flatten(name="flatten"),
    "attention": _attention,
}


def seed_for(root: int, name: str) -> int:
    """Derive a 32-bit seed for `name` from the root seed, independent of all other names."""
    return int.from_bytes(hashlib.blake2b(f"{root}:{name}".encode(), digest_size=4).digest(), "big")


# Keras' own defaults for recurrent and dense layers. Biases and norms are not random: they stay as
# they were built.
INITIALIZERS = {
    "kernel": keras.initializers.GlorotUniform,
    "recurrent_kernel": keras.initializers.Orthogonal,
}


def initial_weights(built: Arrays, seed: int) -> Arrays:
    """Draw the initial weights for a seed, each array from its own random stream.

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
