"""What a saved network computes row by row, as plain arrays: probabilities, gates and states.

TensorFlow is imported when a function is called, not before.

Shape suffixes: N images, B of them at once, M shown, S steps (rows), t of them read, F features
(pixels a row), U units, K classes.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from mnist_seq.config.settings import ModelConfig, Readout
from mnist_seq.data.pixel_format import Pixels
from mnist_seq.errors import TrackingError
from mnist_seq.network.keras_environment import KERAS_ENVIRONMENT
from mnist_seq.network.network_file import check_network_file
from mnist_seq.report.inside.reading import Gates

BATCH_SIZE = 500
WithNorm: TypeAlias = tuple[Any, Callable[[Any], Any]]
# Single precision, added up in another order, differs in the seventh digit.
TOLERANCE = 1e-4


def load_model(file: Path) -> Any:
    """Load a Keras model from a file in safe mode, which runs no code from the file.

    Raises
    ------
    TrackingError
        If it cannot be read.
    """
    os.environ.update(KERAS_ENVIRONMENT)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import keras

    try:
        return keras.saving.load_model(file, safe_mode=True)
    except Exception as error:  # from a file that is damaged Keras raises any
        reason = str(error).strip().partition("\n")[0]
        raise TrackingError(f"{file}: cannot be read as a network ({reason})") from error


def load_network(file: Path, config: ModelConfig, shape: tuple[int, int], classes: int) -> Any:
    """Load the Keras model of a run, after checking that the file is one of the run's config.

    Parameters are those of `check_network_file`.

    Raises
    ------
    TrackingError
        If it is not, or cannot be read.
    """
    check_network_file(file, config, shape, classes)
    return load_model(file)


def images_of(model: Any, pixels_NSF: Pixels) -> NDArray[np.uint8]:
    """Images of 0 to 255, shape (N, S, F), from pixels as the model takes them."""
    import keras

    scaling = model.get_layer("scaling")
    return np.asarray(keras.Model(model.input, scaling.input)(pixels_NSF)).astype(np.uint8)


def probabilities(
    model: Any, images_NSF: NDArray[np.uint8], batch_size: int | None = None
) -> NDArray[np.float32]:
    """Class probabilities of images, shape (N, K).

    Parameters
    ----------
    model : keras.Model
        As `mnist_seq.network.model.build` makes it.
    images_NSF : uint8, shape (N, S, F)
        Pixels from 0 to 255, however those are written that the model takes.
    batch_size : int, optional
        How many at once; as ``model.predict`` by default. More are faster, and may differ in the
        last digit.
    """
    predicted_NK = _from_scaling(model).predict(images_NSF, batch_size=batch_size, verbose=0)
    return np.asarray(predicted_NK, np.float32)


def probabilities_after_each_row(
    model: Any, readout: Readout, images_NSF: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Class probabilities after each row, as if the image ended there.

    The rows read so far are taken for the whole image: the last state, the mean, the maximum or
    the attention is over them alone, and a layer that reads upwards begins at the last of them.
    ``flatten`` has a weight for every row, so that there the states of unread rows are zero. Where
    a step reads a column or both, S are its steps.

    Parameters
    ----------
    model : keras.Model
        As `mnist_seq.network.model.build` makes it.
    readout : str
        Its readout.
    images_NSF : uint8, shape (N, S, F)
        Pixels from 0 to 255, however those are written that the model takes.

    Returns
    -------
    float32, shape (N, S, K)
        After the last row, the model's own answers to the bit.

    Raises
    ------
    RuntimeError
        If what was computed row by row does not end in the model's own answers.
    """
    firsts = range(0, len(images_NSF), BATCH_SIZE)
    batches = (images_NSF[first : first + BATCH_SIZE] for first in firsts)
    read = _row_by_row(model, readout, _states)
    probabilities_NSK = np.concatenate([np.asarray(read(batch)) for batch in batches])
    own_NK = probabilities(model, images_NSF)
    error = float(np.abs(probabilities_NSK[:, -1] - own_NK).max())
    if not error < TOLERANCE:
        raise RuntimeError(
            f"after the last row, probabilities differ from the network's by {error:g}"
        )
    probabilities_NSK[:, -1] = own_NK
    return probabilities_NSK


def reader_of_one(
    model: Any, readout: Readout, shape: tuple[int, int]
) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Return `probabilities_after_each_row` for one image at a time; compiles it, for seconds.

    Parameters
    ----------
    model : keras.Model
        As `mnist_seq.network.model.build` makes it.
    readout : str
        Its readout.
    shape : tuple of int
        Rows, and pixels of a row, of the images.

    Returns
    -------
    callable
        From an image, uint8 of shape (S, F), to float32 of shape (S, K); after the last row they
        may differ from the model's own answers in the last digit.

    Raises
    ------
    RuntimeError
        If what was computed row by row does not end in the model's own answers.
    """
    import tensorflow as tf

    one = [tf.TensorSpec((1, *shape), tf.uint8)]
    compiled = tf.function(_row_by_row(model, readout, _states_of_one), input_signature=one)

    def read(image_SF: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(compiled(image_SF[np.newaxis])[0])

    blank_SF = np.zeros(shape, np.uint8)
    (known_SK,) = probabilities_after_each_row(model, readout, blank_SF[np.newaxis])
    error = float(np.abs(read(blank_SF) - known_SK).max())
    if not error < TOLERANCE:
        raise RuntimeError(f"compiled, probabilities differ from the network's by {error:g}")
    return read


def gates(model: Any, images_MSF: NDArray[np.uint8]) -> list[Gates]:
    """Gates, cell states and hidden states of every LSTM after every row, lowest layer first.

    A bidirectional layer has two: one that reads downwards, one that reads upwards.
    """
    inputs = _steps(model)(images_MSF)
    found = []
    for layer, norm in _recurrent_layers(model):
        inputs_MSF = np.asarray(inputs, np.float64)
        if hasattr(layer, "forward_layer"):
            down, up = layer.forward_layer.get_weights(), layer.backward_layer.get_weights()
            found.append(_gates(f"{layer.name}, downwards", inputs_MSF, down))
            found.append(_gates(f"{layer.name}, upwards", inputs_MSF, up, upwards=True))
        else:
            found.append(_gates(layer.name, inputs_MSF, layer.get_weights()))
        inputs = norm(layer(inputs))
    return found


def _gates(
    name: str, inputs_MSF: NDArray[np.float64], weights: list[Any], *, upwards: bool = False
) -> Gates:
    """Compute the gates, cell states and hidden states of one LSTM from its Keras weights.

    References
    ----------
    Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000. Keras
    keeps the four blocks of weights in the order input, forget, candidate, output.
    """
    kernel, recurrent_kernel, bias = weights
    state_MU = memory_MU = np.zeros((len(inputs_MSF), len(recurrent_kernel)))
    steps = []
    for row_MF in np.swapaxes(inputs_MSF[:, ::-1] if upwards else inputs_MSF, 0, 1):
        preactivations = np.split(row_MF @ kernel + state_MU @ recurrent_kernel + bias, 4, axis=1)
        input_MU, forget_MU, output_MU = (expit(preactivations[gate]) for gate in (0, 1, 3))
        candidate_MU = np.tanh(preactivations[2])
        memory_MU = forget_MU * memory_MU + input_MU * candidate_MU
        state_MU = output_MU * np.tanh(memory_MU)
        steps.append((input_MU, forget_MU, candidate_MU, output_MU, memory_MU, state_MU))
    from_the_top = steps[::-1] if upwards else steps
    return Gates(name, *(np.stack(values, axis=1) for values in zip(*from_the_top, strict=True)))


def _row_by_row(
    model: Any, readout: Readout, states: Callable[[list[WithNorm], Any], Iterator[Any]]
) -> Callable[[Any], Any]:
    """A function from images [B, S, F] to class probabilities after each row, [B, S, K]."""
    import keras

    steps, layers = _steps(model), _with_all_states(_recurrent_layers(model))

    def read(images_BSF: Any) -> Any:
        steps_BSF = steps(images_BSF)
        rows = steps_BSF.shape[1]
        probabilities = []
        for states_BtU in states(layers, steps_BSF):
            read_out = PARTIAL_READOUTS[readout](model, states_BtU, rows)
            logits_BK = model.get_layer("logits")(read_out)
            probabilities.append(model.get_layer("probabilities")(logits_BK))
        return keras.ops.stack(probabilities, axis=1)

    return read


def _from_scaling(model: Any) -> Any:
    """The model from its scaling on, without the layers that convert other formats to 0 to 255."""
    import keras

    return keras.Model(model.get_layer("scaling").input, model.output)


def _steps(model: Any) -> Any:
    """The model up to what its lowest recurrent layer reads: scaled rows, columns or both."""
    import keras

    lowest, _ = _recurrent_layers(model)[0]
    return keras.Model(model.get_layer("scaling").input, lowest.input)


def _states(recurrent_layers: list[WithNorm], steps_BSF: Any) -> Iterator[Any]:
    """Yield the top layer's states [B, t, U] for the first t rows, t = 1, 2, ..., all."""
    rows = steps_BSF.shape[1]
    if _is_bidirectional(recurrent_layers):  # what reads upwards begins anew with every row
        for t in range(1, rows + 1):
            states = _apply(recurrent_layers, steps_BSF[:, :t])
            yield states if len(states.shape) == 3 else states[:, None]
    else:
        states_BSU = _apply(recurrent_layers, steps_BSF)
        for t in range(1, rows + 1):
            yield states_BSU[:, :t]


def _states_of_one(recurrent_layers: list[WithNorm], steps_1SF: Any) -> Iterator[Any]:
    """What `_states` yields, for one image: if bidirectional all at once, as a batch with masks."""
    import keras

    if not _is_bidirectional(recurrent_layers):
        yield from _states(recurrent_layers, steps_1SF)
        return
    rows = steps_1SF.shape[1]
    copies_SSF = keras.ops.repeat(steps_1SF, rows, axis=0)
    is_read_SS = keras.ops.convert_to_tensor(np.tri(rows, dtype=bool))
    states = _apply(recurrent_layers, copies_SSF, mask=is_read_SS)
    for t in range(1, rows + 1):
        own = states[t - 1 : t]
        yield own[:, :t] if len(states.shape) == 3 else own[:, None]


def _apply(layers: list[WithNorm], values: Any, mask: Any = None) -> Any:
    for layer, norm in layers:
        values = norm(layer(values, mask=mask))
    return values


def _is_bidirectional(recurrent_layers: list[WithNorm]) -> bool:
    top, _ = recurrent_layers[-1]
    return hasattr(top, "forward_layer")


def _recurrent_layers(model: Any) -> list[WithNorm]:
    """Each recurrent layer, lowest first, with what normalises its outputs."""
    from keras import layers

    norms = {layer.name: layer for layer in model.layers}
    recurrent = [
        each for each in model.layers if isinstance(each, layers.RNN | layers.Bidirectional)
    ]
    return [
        (layer, norms.get(f"norm_{depth}", lambda states: states))
        for depth, layer in enumerate(recurrent, 1)
    ]


def _with_all_states(recurrent_layers: list[WithNorm]) -> list[WithNorm]:
    """The layers; for a topmost one that keeps its last state alone, a copy that keeps all.

    A bidirectional one stays as it is: it begins anew with every row.
    """
    *lower, (top, norm) = recurrent_layers
    if _is_bidirectional(recurrent_layers) or top.return_sequences:
        return recurrent_layers
    copy = type(top).from_config({**top.get_config(), "return_sequences": True})
    copy.build(top.input.shape)
    copy.set_weights(top.get_weights())
    return [*lower, (copy, norm)]


def _flatten(model: Any, states_BtU: Any, rows: int) -> Any:
    import keras

    unread = rows - states_BtU.shape[1]
    return model.get_layer("flatten")(keras.ops.pad(states_BtU, ((0, 0), (0, unread), (0, 0))))


def _attention(model: Any, states_BtU: Any, _rows: int) -> Any:
    import keras

    scores_Bt1 = model.get_layer("attention_score")(states_BtU)
    # The softmax, written out: of a single row Keras' own warns.
    powers_Bt1 = keras.ops.exp(scores_Bt1 - keras.ops.max(scores_Bt1, axis=1, keepdims=True))
    attended_BU = keras.ops.sum(powers_Bt1 * states_BtU, axis=1)
    return attended_BU / keras.ops.sum(powers_Bt1, axis=1)


def _mean(_model: Any, states_BtU: Any, _rows: int) -> Any:
    import keras

    return keras.ops.mean(states_BtU, axis=1)


def _max(_model: Any, states_BtU: Any, _rows: int) -> Any:
    import keras

    return keras.ops.max(states_BtU, axis=1)


# Each readout of the states after t rows, [B, t, U]: the input of the last dense layer.
PARTIAL_READOUTS: dict[Readout, Callable[[Any, Any, int], Any]] = {
    "last": lambda _model, states_BtU, _rows: states_BtU[:, -1],
    "each_step": lambda _model, states_BtU, _rows: states_BtU[:, -1],
    "mean": _mean,
    "max": _max,
    "flatten": _flatten,
    "attention": _attention,
}
