"""A saved network, looked into while it reads: beliefs after each row, gates; plain arrays.

TensorFlow is imported when a function is called, not before.

Shape suffixes: N images, B of them at once, M shown, S steps (rows), t of them read, F features
(pixels a row), U units, K classes.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from mnist_seq.config import Readout
from mnist_seq.report.inside.reading import Gates

CHUNK = 500
# Single precision, added up in another order, differs in the seventh digit.
TOLERANCE = 1e-4


def open_network(file: Path) -> Any:
    """The Keras model in a file; safe mode runs no code from it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import keras

    return keras.saving.load_model(file, safe_mode=True)


def beliefs(model: Any, readout: Readout, images_NSF: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities after each row: what the network answers if the image ends there.

    The rows read so far are taken for the whole image: the last state, the mean, the maximum or
    the attention is over them alone, and a layer that reads upwards begins at the last of them.
    ``flatten`` has a weight for every row, so that there the states of unread rows are zero.

    Parameters
    ----------
    model : keras.Model
        As `mnist_seq.model.build` makes it.
    readout : str
        Its readout.
    images_NSF : uint8, shape (N, S, F)
        Raw pixels.

    Returns
    -------
    float32, shape (N, S, K)
        After the last row, the model's own answers to the bit.

    Raises
    ------
    RuntimeError
        If what was computed row by row does not end in the model's own answers.
    """
    chunks = range(0, len(images_NSF), CHUNK)
    beliefs_NSK = np.concatenate(
        [_beliefs(model, readout, images_NSF[first : first + CHUNK]) for first in chunks]
    )
    own_NK = np.asarray(model.predict(images_NSF, verbose=0))
    error = float(np.abs(beliefs_NSK[:, -1] - own_NK).max())
    if not error < TOLERANCE:
        raise RuntimeError(f"after the last row, beliefs differ from the network's by {error:g}")
    beliefs_NSK[:, -1] = own_NK
    return beliefs_NSK


def gates(model: Any, images_MSF: NDArray[np.uint8]) -> list[Gates]:
    """What every LSTM of a network does, from its weights; the lowest layer first.

    A bidirectional layer has two: one that reads downwards, one that reads upwards.
    """
    entering = model.get_layer("scaling")(images_MSF)
    found = []
    for layer in _recurrent(model):
        values_MSF = np.asarray(entering, np.float64)
        if hasattr(layer, "forward_layer"):
            down, up = layer.forward_layer.get_weights(), layer.backward_layer.get_weights()
            found.append(_gates(f"{layer.name}, downwards", values_MSF, down))
            found.append(_gates(f"{layer.name}, upwards", values_MSF, up, upwards=True))
        else:
            found.append(_gates(layer.name, values_MSF, layer.get_weights()))
        entering = layer(entering)
    return found


def _gates(
    name: str, values_MSF: NDArray[np.float64], weights: list[Any], *, upwards: bool = False
) -> Gates:
    """One LSTM, step by step.

    References
    ----------
    Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000. Keras
    keeps the four blocks of weights in the order input, forget, candidate, output.
    """
    kernel, recurrent_kernel, bias = weights
    state_MU = memory_MU = np.zeros((len(values_MSF), len(recurrent_kernel)))
    steps = []
    for row_MF in np.swapaxes(values_MSF[:, ::-1] if upwards else values_MSF, 0, 1):
        blocks = np.split(row_MF @ kernel + state_MU @ recurrent_kernel + bias, 4, axis=1)
        input_MU, forget_MU, output_MU = (expit(blocks[block]) for block in (0, 1, 3))
        candidate_MU = np.tanh(blocks[2])
        memory_MU = forget_MU * memory_MU + input_MU * candidate_MU
        state_MU = output_MU * np.tanh(memory_MU)
        steps.append((input_MU, forget_MU, candidate_MU, output_MU, memory_MU, state_MU))
    in_order = steps[::-1] if upwards else steps
    return Gates(name, *(np.stack(values, axis=1) for values in zip(*in_order, strict=True)))


def _beliefs(model: Any, readout: Readout, images_BSF: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows = images_BSF.shape[1]
    scaled_BSF = model.get_layer("scaling")(images_BSF)
    answers = []
    for states_BtU in _states(_recurrent(model), scaled_BSF, rows):
        logits_BK = model.get_layer("logits")(PARTIAL[readout](model, states_BtU, rows))
        answers.append(np.asarray(model.get_layer("probabilities")(logits_BK)))
    return np.stack(answers, axis=1)


def _states(recurrent: list[Any], scaled_BSF: Any, rows: int) -> Iterator[Any]:
    """States of the topmost layer for the first row, the first two rows, and so on."""
    *lower, top = recurrent
    if hasattr(top, "forward_layer"):  # what reads upwards begins anew with every row
        for t in range(1, rows + 1):
            states = _through(recurrent, scaled_BSF[:, :t])
            yield states if len(states.shape) == 3 else states[:, None]
    else:
        states_BSU = _through([*lower, _with_every_state(top)], scaled_BSF)
        for t in range(1, rows + 1):
            yield states_BSU[:, :t]


def _through(layers: list[Any], values: Any) -> Any:
    for layer in layers:
        values = layer(values)
    return values


def _recurrent(model: Any) -> list[Any]:
    from keras import layers

    return [layer for layer in model.layers if isinstance(layer, layers.RNN | layers.Bidirectional)]


def _with_every_state(lstm: Any) -> Any:
    if lstm.return_sequences:
        return lstm
    copy = type(lstm).from_config({**lstm.get_config(), "return_sequences": True})
    copy.build(lstm.input.shape)
    copy.set_weights(lstm.get_weights())
    return copy


def _last(_model: Any, states_BtU: Any, _rows: int) -> Any:
    return states_BtU[:, -1]


def _mean(_model: Any, states_BtU: Any, _rows: int) -> Any:
    from keras import ops

    return ops.mean(states_BtU, axis=1)


def _max(_model: Any, states_BtU: Any, _rows: int) -> Any:
    from keras import ops

    return ops.max(states_BtU, axis=1)


def _flatten(model: Any, states_BtU: Any, rows: int) -> Any:
    from keras import ops

    unread = rows - states_BtU.shape[1]
    return model.get_layer("flatten")(ops.pad(states_BtU, ((0, 0), (0, unread), (0, 0))))


def _attention(model: Any, states_BtU: Any, _rows: int) -> Any:
    from keras import ops

    scores_Bt1 = model.get_layer("attention_score")(states_BtU)
    powers_Bt1 = ops.exp(scores_Bt1 - ops.max(scores_Bt1, axis=1, keepdims=True))
    return ops.sum(powers_Bt1 * states_BtU, axis=1) / ops.sum(powers_Bt1, axis=1)


# What the states so far [B, t, U] are to the last dense layer.
PARTIAL: dict[Readout, Callable[[Any, Any, int], Any]] = {
    "last": _last,
    "each_step": _last,
    "mean": _mean,
    "max": _max,
    "flatten": _flatten,
    "attention": _attention,
}
