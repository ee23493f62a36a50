"""An LSTM layer while it is trained: Keras' weights and states, with the gradient written out.

TensorFlow's own gradient of Keras' loop adds up every weight's gradient row by row. Here the loop
back over the rows keeps the gradients of the gates, and one product over all rows makes of them
those of the weights: the same sums in another order.

Shape suffixes: S steps (rows), B images in a batch, F features of a step, U units, Z the four gates
of all units (4 U). Gates have their usual letters and Keras' order: i (input), f (forget),
g (candidate), o (output).
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import keras
import tensorflow as tf

RowArrays: TypeAlias = tuple[tf.TensorArray, ...]
Loop: TypeAlias = tuple[tf.Tensor | tf.TensorArray | RowArrays, ...]


class TrainedLSTM(keras.Layer):  # type: ignore[misc]
    """States of a stock LSTM layer, or of a stock Bidirectional around one, from its own weights.

    Parameters
    ----------
    layer : keras.layers.LSTM or keras.layers.Bidirectional
        With Keras' default activations and a bias, built or not.

    Attributes
    ----------
    scratch : list of Scratch
        One for each direction.
    """

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__(name=f"{layer.name}_trained")
        self.layer = layer
        is_both_ways = isinstance(layer, keras.layers.Bidirectional)
        units = (layer.forward_layer if is_both_ways else layer).units
        self.scratch = [Scratch(units) for _ in range(1 + is_both_ways)]

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Of the stock layer: (B, U), or (B, S, U) where it returns sequences."""
        return tuple(self.layer.compute_output_shape(shape))

    def call(self, rows_BSF: tf.Tensor) -> tf.Tensor:
        """States after the last row, or after each where the stock layer returns sequences."""
        rows_SBF = tf.transpose(rows_BSF, (1, 0, 2))
        if isinstance(self.layer, keras.layers.Bidirectional):
            down, up = self.scratch
            states_SBU, last_BU = _states(self.layer.forward_layer, rows_SBF, down)
            up_SBU, up_BU = _states(self.layer.backward_layer, rows_SBF[::-1], up)
            states_SBU = tf.concat([states_SBU, up_SBU[::-1]], axis=-1)
            last_BU = tf.concat([last_BU, up_BU], axis=-1)
        else:
            states_SBU, last_BU = _states(self.layer, rows_SBF, *self.scratch)
        return tf.transpose(states_SBU, (1, 0, 2)) if self.layer.return_sequences else last_BU


def _states(
    layer: keras.layers.LSTM, rows_SBF: tf.Tensor, scratch: "Scratch"
) -> tuple[tf.Tensor, tf.Tensor]:
    weights = (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
    differentiable = tf.custom_gradient(lambda *tensors: lstm(scratch, *tensors))
    states_SBU, last_BU = differentiable(rows_SBF, *map(tf.convert_to_tensor, weights))
    return states_SBU, last_BU


class Scratch:
    """The arrays that one direction of a layer writes its rows into, forward and on the way back.

    They can outlive a batch, for the next one to write over: XLA would fill new ones with zeros and
    copy them first, for up to a sixth of an epoch's time.

    Attributes
    ----------
    given : tuple of tf.TensorArray or None
        Taken by what is traced next; new ones if None.
    written : tuple of tf.TensorArray
        The same after the gradient was traced.
    """

    def __init__(self, units: int) -> None:
        self.units = units
        self.given: RowArrays | None = None
        self.written: RowArrays = ()

    def fresh(self, steps: int, images: int) -> RowArrays:
        """New arrays, for batches of so many images."""
        # Nothing reads the last but one, the cells' gradients: it is written to be worked out once.
        widths = [self.units] * len(Kept._fields) + [self.units, 4 * self.units]
        return tuple(
            tf.TensorArray(tf.float32, steps, element_shape=(images, width)) for width in widths
        )


class Kept(NamedTuple):
    """What the way back needs of every row, each of shape (S, B, U)."""

    i: tf.Tensor
    f: tf.Tensor
    g: tf.Tensor
    o: tf.Tensor
    tanhs: tf.Tensor
    states_before: tf.Tensor
    cells_before: tf.Tensor


def lstm(
    scratch: Scratch,
    rows_SBF: tf.Tensor,
    kernel_FZ: tf.Tensor,
    recurrent_UZ: tf.Tensor,
    bias_Z: tf.Tensor,
) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., tuple[tf.Tensor, ...]]]:
    """States [S, B, U] after every row, [B, U] after the last one, and the gradient's function.

    An LSTM with a forget gate (Gers, Schmidhuber & Cummins 2000), which starts from zero.

    Parameters
    ----------
    scratch : Scratch
        Where it writes.
    rows_SBF : float32, shape (S, B, F)
        Of a size that is known when this is traced.
    kernel_FZ, recurrent_UZ, bias_Z : float32
        Weights as Keras' cell has them.
    """
    arrays = scratch.given or scratch.fresh(*rows_SBF.shape[:2])
    forth = len(Kept._fields)
    last_BU, forward = _forward(arrays[:forth], rows_SBF, kernel_FZ, recurrent_UZ, bias_Z)
    kept = Kept(*(array.stack() for array in forward))
    states_SBU = tf.concat([kept.states_before[1:], last_BU[None]], axis=0)

    def gradient(after_SBU: tf.Tensor, after_last_BU: tf.Tensor) -> tuple[tf.Tensor, ...]:
        back = _back(arrays[forth:], kept, recurrent_UZ, after_SBU, after_last_BU)
        scratch.written = (*forward, *back)
        gates_SBZ = back[-1].stack()
        # All rows of all images, one below the other.
        rows, states, gates = (
            tf.reshape(each, (-1, each.shape[-1]))
            for each in (rows_SBF, kept.states_before, gates_SBZ)
        )
        return (
            tf.reshape(tf.matmul(gates, kernel_FZ, transpose_b=True), rows_SBF.shape),
            tf.matmul(rows, gates, transpose_a=True),
            tf.matmul(states, gates, transpose_a=True),
            tf.reduce_sum(gates, axis=0),
        )

    return (states_SBU, last_BU), gradient


def _forward(
    arrays: RowArrays,
    rows_SBF: tf.Tensor,
    kernel_FZ: tf.Tensor,
    recurrent_UZ: tf.Tensor,
    bias_Z: tf.Tensor,
) -> tuple[tf.Tensor, RowArrays]:
    """State [B, U] after the last row, and the arrays of what is kept of every row."""
    steps, images, _ = rows_SBF.shape
    units = recurrent_UZ.shape[0]

    def row(
        step: tf.Tensor, state_BU: tf.Tensor, cell_BU: tf.Tensor, *arrays: tf.TensorArray
    ) -> Loop:
        kept = Kept(*arrays)
        asked_BZ = rows_SBF[step] @ kernel_FZ + bias_Z + state_BU @ recurrent_UZ
        asked_i, asked_f, asked_g, asked_o = tf.split(asked_BZ, 4, axis=1)
        all_i, i = _write(kept.i, step, tf.sigmoid(asked_i))
        all_f, f = _write(kept.f, step, tf.sigmoid(asked_f))
        all_g, g = _write(kept.g, step, tf.tanh(asked_g))
        all_o, o = _write(kept.o, step, tf.sigmoid(asked_o))
        new_cell_BU = f * cell_BU + i * g
        tanhs, tanh_BU = _write(kept.tanhs, step, tf.tanh(new_cell_BU))
        states = kept.states_before.write(step, state_BU)
        cells = kept.cells_before.write(step, cell_BU)
        kept = Kept(all_i, all_f, all_g, all_o, tanhs, states, cells)
        return step + 1, o * tanh_BU, new_cell_BU, *kept

    zero_BU = tf.zeros((images, units))
    _, last_BU, _, *written = tf.while_loop(
        lambda step, *_: step < steps,
        row,
        (0, zero_BU, zero_BU, *arrays),
        maximum_iterations=steps,
    )
    return last_BU, tuple(written)


def _back(
    arrays: RowArrays,
    kept: Kept,
    recurrent_UZ: tf.Tensor,
    after_SBU: tf.Tensor,
    after_last_BU: tf.Tensor,
) -> RowArrays:
    """RowArrays of the gradients of every row's cells, and of what it asks of its gates."""
    steps, images, units = kept.tanhs.shape
    recurrent_ZU = tf.transpose(recurrent_UZ)  # once, not in every row

    def row(
        done: tf.Tensor,
        state_BU: tf.Tensor,
        cell_BU: tf.Tensor,
        cells: tf.TensorArray,
        gates: tf.TensorArray,
    ) -> Loop:
        step = steps - 1 - done
        i, f, g, o, tanh_BU, _, cell_before_BU = (each[step] for each in kept)
        state_BU = state_BU + after_SBU[step]
        cells, cell_BU = _write(cells, step, cell_BU + state_BU * o * (1 - tanh_BU * tanh_BU))
        of_i = cell_BU * g * i * (1 - i)
        of_f = cell_BU * cell_before_BU * f * (1 - f)
        of_g = cell_BU * i * (1 - g * g)
        of_o = state_BU * tanh_BU * o * (1 - o)
        asked_BZ = tf.concat([of_i, of_f, of_g, of_o], axis=1)
        gates = gates.write(step, asked_BZ)
        return done + 1, asked_BZ @ recurrent_ZU, cell_BU * f, cells, gates

    _, _, _, *written = tf.while_loop(
        lambda done, *_: done < steps,
        row,
        (0, after_last_BU, tf.zeros((images, units)), *arrays),
        maximum_iterations=steps,
    )
    return tuple(written)


def _write(
    array: tf.TensorArray, step: tf.Tensor, value_BU: tf.Tensor
) -> tuple[tf.TensorArray, tf.Tensor]:
    """The array with a row more, and that row as it is read from there.

    XLA then works the row out once, in its place. A value that others use as well it would work
    out for each of them, or copy into the array.
    """
    images, units = value_BU.shape
    array = array.write(step, value_BU)
    # Of another shape: a row that is read as it was written, XLA takes from before the writing.
    rows = tf.reshape(array.stack(), (-1, units))
    return array, tf.slice(rows, (step * images, 0), (images, units))
