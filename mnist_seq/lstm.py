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

Loop: TypeAlias = tuple[tf.Tensor | tf.TensorArray, ...]


class TrainedLSTM(keras.Layer):  # type: ignore[misc]
    """States of a stock LSTM layer, or of a stock Bidirectional around one, from its own weights.

    Parameters
    ----------
    layer : keras.layers.LSTM or keras.layers.Bidirectional
        With Keras' default activations and a bias, built or not.
    """

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__(name=f"{layer.name}_trained")
        self.layer = layer

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Of the stock layer: (B, U), or (B, S, U) where it returns sequences."""
        return tuple(self.layer.compute_output_shape(shape))

    def call(self, rows_BSF: tf.Tensor) -> tf.Tensor:
        """States after the last row, or after each where the stock layer returns sequences."""
        rows_SBF = tf.transpose(rows_BSF, (1, 0, 2))
        if isinstance(self.layer, keras.layers.Bidirectional):
            states_SBU, last_BU = _states(self.layer.forward_layer, rows_SBF)
            up_SBU, up_BU = _states(self.layer.backward_layer, rows_SBF[::-1])
            states_SBU = tf.concat([states_SBU, up_SBU[::-1]], axis=-1)
            last_BU = tf.concat([last_BU, up_BU], axis=-1)
        else:
            states_SBU, last_BU = _states(self.layer, rows_SBF)
        return tf.transpose(states_SBU, (1, 0, 2)) if self.layer.return_sequences else last_BU


def _states(layer: keras.layers.LSTM, rows_SBF: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    weights = (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
    states_SBU, last_BU = lstm(rows_SBF, *map(tf.convert_to_tensor, weights))
    return states_SBU, last_BU


class Kept(NamedTuple):
    """What the way back needs of every row: its gates, and what came before them and after."""

    gates_SBZ: tf.Tensor
    states_before_SBU: tf.Tensor
    cells_before_SBU: tf.Tensor
    tanhs_SBU: tf.Tensor


@tf.custom_gradient  # type: ignore[untyped-decorator]
def lstm(
    rows_SBF: tf.Tensor, kernel_FZ: tf.Tensor, recurrent_UZ: tf.Tensor, bias_Z: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., tuple[tf.Tensor, ...]]]:
    """States [S, B, U] after every row, and [B, U] after the last one.

    An LSTM with a forget gate (Gers, Schmidhuber & Cummins 2000), which starts from zero.

    Parameters
    ----------
    rows_SBF : float32, shape (S, B, F)
        Of a size that is known when this is traced.
    kernel_FZ, recurrent_UZ, bias_Z : float32
        Weights as Keras' cell has them.
    """
    last_BU, kept = _forward(rows_SBF, kernel_FZ, recurrent_UZ, bias_Z)
    states_SBU = tf.concat([kept.states_before_SBU[1:], last_BU[None]], axis=0)

    def gradient(after_SBU: tf.Tensor, after_last_BU: tf.Tensor) -> tuple[tf.Tensor, ...]:
        gates_SBZ = _back(kept, recurrent_UZ, after_SBU, after_last_BU)
        # All rows of all images, one below the other.
        rows, states, gates = (
            tf.reshape(each, (-1, each.shape[-1]))
            for each in (rows_SBF, kept.states_before_SBU, gates_SBZ)
        )
        return (
            tf.reshape(tf.matmul(gates, kernel_FZ, transpose_b=True), rows_SBF.shape),
            tf.matmul(rows, gates, transpose_a=True),
            tf.matmul(states, gates, transpose_a=True),
            tf.reduce_sum(gates, axis=0),
        )

    return (states_SBU, last_BU), gradient


def _forward(
    rows_SBF: tf.Tensor, kernel_FZ: tf.Tensor, recurrent_UZ: tf.Tensor, bias_Z: tf.Tensor
) -> tuple[tf.Tensor, Kept]:
    steps, images, _ = rows_SBF.shape
    units = recurrent_UZ.shape[0]

    def row(
        step: tf.Tensor, state_BU: tf.Tensor, cell_BU: tf.Tensor, *kept: tf.TensorArray
    ) -> Loop:
        asked_BZ = rows_SBF[step] @ kernel_FZ + bias_Z + state_BU @ recurrent_UZ
        i, f, g, o = tf.split(asked_BZ, 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        new_cell_BU = f * cell_BU + i * g
        tanh_BU = tf.tanh(new_cell_BU)
        values = (tf.concat([i, f, g, o], axis=1), state_BU, cell_BU, tanh_BU)
        kept = tuple(array.write(step, value) for array, value in zip(kept, values, strict=True))
        return step + 1, o * tanh_BU, new_cell_BU, *kept

    zero_BU = tf.zeros((images, units))
    _, last_BU, _, *kept = tf.while_loop(
        lambda step, *_: step < steps,
        row,
        (0, zero_BU, zero_BU, *(_array(steps, images, width * units) for width in (4, 1, 1, 1))),
        maximum_iterations=steps,
    )
    return last_BU, Kept(*(array.stack() for array in kept))


def _back(
    kept: Kept, recurrent_UZ: tf.Tensor, after_SBU: tf.Tensor, after_last_BU: tf.Tensor
) -> tf.Tensor:
    """Gradients [S, B, Z] of what every row asks of its gates, from those of the states."""
    steps, images, units = kept.tanhs_SBU.shape
    recurrent_ZU = tf.transpose(recurrent_UZ)  # once, not in every row

    def row(
        done: tf.Tensor, state_BU: tf.Tensor, cell_BU: tf.Tensor, gates: tf.TensorArray
    ) -> Loop:
        step = steps - 1 - done
        i, f, g, o = tf.split(kept.gates_SBZ[step], 4, axis=1)
        tanh_BU = kept.tanhs_SBU[step]
        state_BU = state_BU + after_SBU[step]
        cell_BU = cell_BU + state_BU * o * (1 - tanh_BU * tanh_BU)
        of_i = cell_BU * g * i * (1 - i)
        of_f = cell_BU * kept.cells_before_SBU[step] * f * (1 - f)
        of_g = cell_BU * i * (1 - g * g)
        of_o = state_BU * tanh_BU * o * (1 - o)
        asked_BZ = tf.concat([of_i, of_f, of_g, of_o], axis=1)
        return done + 1, asked_BZ @ recurrent_ZU, cell_BU * f, gates.write(step, asked_BZ)

    *_, gates = tf.while_loop(
        lambda done, *_: done < steps,
        row,
        (0, after_last_BU, tf.zeros((images, units)), _array(steps, images, 4 * units)),
        maximum_iterations=steps,
    )
    return gates.stack()


def _array(steps: int, images: int, width: int) -> tf.TensorArray:
    return tf.TensorArray(tf.float32, steps, element_shape=(images, width))
