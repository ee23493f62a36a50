"""LSTM layer for training: same weights and outputs as Keras' LSTM, but a custom gradient.

TensorFlow's gradient of Keras' loop adds up every weight's gradient row by row. Here the loop back
over the rows only keeps the gradients of the gates' pre-activations, and one matrix product over
all rows makes of them those of the weights: the same sums in another order.

Shape suffixes: S steps (rows), B images in a batch, F features of a step, U units, Z the four gates
of all units (4 U). Gates have their usual letters and Keras' order: i (input), f (forget),
g (candidate), o (output). A name that begins with d_ is the loss's gradient with respect to the
rest of the name.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import keras
import tensorflow as tf

# One TensorArray for each quantity, with an element [B, width] for every row.
RowArrays: TypeAlias = tuple[tf.TensorArray, ...]
LoopVariables: TypeAlias = tuple[tf.Tensor | tf.TensorArray | RowArrays, ...]


class TrainingLSTM(keras.Layer):  # type: ignore[misc]
    """Wraps a Keras LSTM or Bidirectional layer; same outputs, with a custom gradient.

    Parameters
    ----------
    layer : keras.layers.LSTM or keras.layers.Bidirectional
        With Keras' default activations and a bias, built or not.

    Attributes
    ----------
    row_buffers : list of RowBuffers
        One for each direction.
    """

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__(name=f"{layer.name}_training")
        self.layer = layer
        is_bidirectional = isinstance(layer, keras.layers.Bidirectional)
        units = (layer.forward_layer if is_bidirectional else layer).units
        self.row_buffers = [RowBuffers(units) for _ in range(1 + is_bidirectional)]

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Output shape of the stock layer: (B, U), or (B, S, U) where it returns sequences."""
        return tuple(self.layer.compute_output_shape(shape))

    def call(self, rows_BSF: tf.Tensor) -> tf.Tensor:
        """States after the last row, or after each where the stock layer returns sequences."""
        rows_SBF = tf.transpose(rows_BSF, (1, 0, 2))
        if isinstance(self.layer, keras.layers.Bidirectional):
            down, up = self.row_buffers
            states_SBU, last_BU = _states(self.layer.forward_layer, rows_SBF, down)
            up_SBU, up_BU = _states(self.layer.backward_layer, rows_SBF[::-1], up)
            states_SBU = tf.concat([states_SBU, up_SBU[::-1]], axis=-1)
            last_BU = tf.concat([last_BU, up_BU], axis=-1)
        else:
            states_SBU, last_BU = _states(self.layer, rows_SBF, *self.row_buffers)
        return tf.transpose(states_SBU, (1, 0, 2)) if self.layer.return_sequences else last_BU


def _states(
    layer: keras.layers.LSTM, rows_SBF: tf.Tensor, buffers: "RowBuffers"
) -> tuple[tf.Tensor, tf.Tensor]:
    weights = (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
    differentiable = tf.custom_gradient(lambda *tensors: lstm_with_gradient(buffers, *tensors))
    states_SBU, last_BU = differentiable(rows_SBF, *map(tf.convert_to_tensor, weights))
    return states_SBU, last_BU


class SavedForBackward(NamedTuple):
    """Values of the forward pass that the backward pass needs, each of shape (S, B, U)."""

    i: tf.Tensor
    f: tf.Tensor
    g: tf.Tensor
    o: tf.Tensor
    tanh_cells: tf.Tensor
    previous_states: tf.Tensor
    previous_cells: tf.Tensor


class RowBuffers:
    """Reusable TensorArrays for the per-row values of one LSTM direction, forward and backward.

    A loop over batches passes it on from one batch to the next, which overwrites it: XLA would fill
    new arrays with zeros and copy them first, for up to a sixth of an epoch's time.

    Attributes
    ----------
    at_start : tuple of tf.TensorArray or None
        The arrays that the next pass to be traced writes into; None for new ones.
    at_end : tuple of tf.TensorArray
        The same arrays, with what the pass has written; set when its gradient is traced.
    """

    def __init__(self, units: int) -> None:
        self.units = units
        self.at_start: RowArrays | None = None
        self.at_end: RowArrays = ()

    def allocate(self, steps: int, images: int) -> RowArrays:
        """Create the TensorArrays: one per field of `SavedForBackward`, then two for gradients.

        The two hold the gradients of the cells [B, U] and of the gates' pre-activations [B, Z].
        """
        # Nothing reads the cells' gradients: they are written so that XLA works them out once.
        widths = [self.units] * len(SavedForBackward._fields) + [self.units, 4 * self.units]
        return tuple(
            tf.TensorArray(tf.float32, steps, element_shape=(images, width)) for width in widths
        )


def lstm_with_gradient(
    buffers: RowBuffers,
    rows_SBF: tf.Tensor,
    kernel_FZ: tf.Tensor,
    recurrent_UZ: tf.Tensor,
    bias_Z: tf.Tensor,
) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., tuple[tf.Tensor, ...]]]:
    """LSTM states from a zero initial state, and their gradient, for `tf.custom_gradient`.

    Parameters
    ----------
    buffers : RowBuffers
        Where every row's values are written.
    rows_SBF : float32, shape (S, B, F)
        Of a size that is known when this is traced.
    kernel_FZ, recurrent_UZ, bias_Z : float32
        Weights as Keras' cell has them.

    Returns
    -------
    states : pair of float32, shapes (S, B, U) and (B, U)
        After every row, and after the last one.
    gradient : function
        From the loss's gradients with respect to both to those for the rows and three weights.

    References
    ----------
    Gers, Schmidhuber & Cummins, "Learning to Forget", 2000: the LSTM with a forget gate.
    """
    arrays = buffers.at_start or buffers.allocate(*rows_SBF.shape[:2])
    forward_count = len(SavedForBackward._fields)
    last_BU, forward = _forward(arrays[:forward_count], rows_SBF, kernel_FZ, recurrent_UZ, bias_Z)
    saved = SavedForBackward(*(array.stack() for array in forward))
    states_SBU = tf.concat([saved.previous_states[1:], last_BU[None]], axis=0)

    def gradient(d_states_SBU: tf.Tensor, d_last_BU: tf.Tensor) -> tuple[tf.Tensor, ...]:
        backward = _backward(arrays[forward_count:], saved, recurrent_UZ, d_states_SBU, d_last_BU)
        buffers.at_end = (*forward, *backward)
        d_preactivations_SBZ = backward[-1].stack()
        # All rows of all images, one below the other.
        rows, states, d_preactivations = (
            tf.reshape(values, (-1, values.shape[-1]))
            for values in (rows_SBF, saved.previous_states, d_preactivations_SBZ)
        )
        return (
            tf.reshape(tf.matmul(d_preactivations, kernel_FZ, transpose_b=True), rows_SBF.shape),
            tf.matmul(rows, d_preactivations, transpose_a=True),
            tf.matmul(states, d_preactivations, transpose_a=True),
            tf.reduce_sum(d_preactivations, axis=0),
        )

    return (states_SBU, last_BU), gradient


def _forward(
    arrays: RowArrays,
    rows_SBF: tf.Tensor,
    kernel_FZ: tf.Tensor,
    recurrent_UZ: tf.Tensor,
    bias_Z: tf.Tensor,
) -> tuple[tf.Tensor, RowArrays]:
    """Forward pass: return the last state [B, U] and the filled `SavedForBackward` arrays."""
    steps, images, _ = rows_SBF.shape
    units = recurrent_UZ.shape[0]

    def one_row(
        step: tf.Tensor, state_BU: tf.Tensor, cell_BU: tf.Tensor, *arrays: tf.TensorArray
    ) -> LoopVariables:
        saved = SavedForBackward(*arrays)
        preactivations_BZ = rows_SBF[step] @ kernel_FZ + bias_Z + state_BU @ recurrent_UZ
        before_i, before_f, before_g, before_o = tf.split(preactivations_BZ, 4, axis=1)
        all_i, i = _write(saved.i, step, tf.sigmoid(before_i))
        all_f, f = _write(saved.f, step, tf.sigmoid(before_f))
        all_g, g = _write(saved.g, step, tf.tanh(before_g))
        all_o, o = _write(saved.o, step, tf.sigmoid(before_o))
        new_cell_BU = f * cell_BU + i * g
        all_tanhs, tanh_BU = _write(saved.tanh_cells, step, tf.tanh(new_cell_BU))
        states = saved.previous_states.write(step, state_BU)
        cells = saved.previous_cells.write(step, cell_BU)
        saved = SavedForBackward(all_i, all_f, all_g, all_o, all_tanhs, states, cells)
        return step + 1, o * tanh_BU, new_cell_BU, *saved

    zero_BU = tf.zeros((images, units))
    _, last_BU, _, *written = tf.while_loop(
        lambda step, *_: step < steps,
        one_row,
        (0, zero_BU, zero_BU, *arrays),
        maximum_iterations=steps,
    )
    return last_BU, tuple(written)


def _backward(
    arrays: RowArrays,
    saved: SavedForBackward,
    recurrent_UZ: tf.Tensor,
    d_states_SBU: tf.Tensor,
    d_last_BU: tf.Tensor,
) -> RowArrays:
    """Backward pass: return each row's gradients of cell states and pre-activations."""
    steps, images, units = saved.tanh_cells.shape
    recurrent_ZU = tf.transpose(recurrent_UZ)  # once, not in every row

    def one_row(
        done: tf.Tensor,
        d_state_BU: tf.Tensor,
        d_cell_BU: tf.Tensor,
        d_cells: tf.TensorArray,
        d_preactivations: tf.TensorArray,
    ) -> LoopVariables:
        step = steps - 1 - done
        i, f, g, o, tanh_BU, _, previous_cell_BU = (values[step] for values in saved)
        d_state_BU = d_state_BU + d_states_SBU[step]
        d_cell_BU = d_cell_BU + d_state_BU * o * (1 - tanh_BU * tanh_BU)
        d_cells, d_cell_BU = _write(d_cells, step, d_cell_BU)
        d_i = d_cell_BU * g * i * (1 - i)
        d_f = d_cell_BU * previous_cell_BU * f * (1 - f)
        d_g = d_cell_BU * i * (1 - g * g)
        d_o = d_state_BU * tanh_BU * o * (1 - o)
        d_preactivations_BZ = tf.concat([d_i, d_f, d_g, d_o], axis=1)
        d_preactivations = d_preactivations.write(step, d_preactivations_BZ)
        d_previous_state_BU = d_preactivations_BZ @ recurrent_ZU
        return done + 1, d_previous_state_BU, d_cell_BU * f, d_cells, d_preactivations

    _, _, _, *written = tf.while_loop(
        lambda done, *_: done < steps,
        one_row,
        (0, d_last_BU, tf.zeros((images, units)), *arrays),
        maximum_iterations=steps,
    )
    return tuple(written)


def _write(
    array: tf.TensorArray, step: tf.Tensor, value_BU: tf.Tensor
) -> tuple[tf.TensorArray, tf.Tensor]:
    """Write one row; return the array, and the row as read back from the array.

    XLA then works the row out once, in its place. A value that others use as well it would work
    out for each of them, or copy into the array.
    """
    images, units = value_BU.shape
    array = array.write(step, value_BU)
    # Read in another shape: a row that is read as it was written, XLA takes from before the write.
    rows = tf.reshape(array.stack(), (-1, units))
    return array, tf.slice(rows, (step * images, 0), (images, units))
