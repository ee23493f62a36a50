"""What is trained is held against Keras' own layers, differentiated by TensorFlow."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mnist_seq.network.lstm import TrainingLSTM
from tests.examples import few

ROWS_BSF = tf.constant(few().train.images_NSF[:7] / np.float32(16))


def stock(bidirectional: bool, every_row: bool) -> Any:
    keras.utils.set_random_seed(3)
    lstm = layers.LSTM(5, return_sequences=every_row, bias_initializer="random_normal")
    return layers.Bidirectional(lstm) if bidirectional else lstm


def loss_and_gradients(layer: Any, weights: list[Any]) -> tuple[Any, list[Any]]:
    """Gradients of a loss that weighs every state differently: for the rows, then the weights."""
    rows_BSF = tf.identity(ROWS_BSF)
    with tf.GradientTape() as tape:
        tape.watch(rows_BSF)
        states = layer(rows_BSF)
        weight = np.random.default_rng(0).normal(size=states.shape).astype(np.float32)
        loss = tf.reduce_sum(weight * states)
    return states, tape.gradient(loss, [rows_BSF, *(variable.value for variable in weights)])


@pytest.mark.parametrize(
    ("bidirectional", "every_row", "jit_compile"),
    # Every pair of two settings.
    [(False, False, True), (False, True, False), (True, False, False), (True, True, True)],
)
def test_states_and_gradients_are_those_of_the_stock_layer_whatever_its_buffers_held(
    bidirectional: bool, every_row: bool, jit_compile: bool
) -> None:
    layer = stock(bidirectional, every_row)
    layer.build(ROWS_BSF.shape)
    weights = layer.trainable_variables
    images, steps, _ = ROWS_BSF.shape

    def traced(leftover: tf.Tensor) -> tuple[Any, list[Any]]:
        training = TrainingLSTM(layer)
        for buffers in training.row_buffers:
            buffers.at_start = tuple(
                array.unstack(tf.fill((steps, *array.element_shape), leftover))
                for array in buffers.allocate(steps, images)
            )
        return loss_and_gradients(training, weights)

    compiled = tf.function(traced, jit_compile=jit_compile)
    expected_states, expected = loss_and_gradients(layer, weights)
    states, gradients = compiled(tf.constant(0.0))
    np.testing.assert_allclose(states, expected_states, atol=1e-6)
    assert len(gradients) == 1 + (6 if bidirectional else 3)
    for ours, keras_own in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-4, atol=1e-5)

    after_nan, gradients_after_nan = compiled(tf.constant(np.nan))
    np.testing.assert_array_equal(after_nan, states)
    for ours, other in zip(gradients_after_nan, gradients, strict=True):
        np.testing.assert_array_equal(ours, other)


@pytest.mark.parametrize("every_row", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_its_weights_and_its_shape_are_those_of_the_stock_layer(
    bidirectional: bool, every_row: bool
) -> None:
    layer = stock(bidirectional, every_row)
    images = keras.Input(ROWS_BSF.shape[1:])
    stock_states, states = layer(images), TrainingLSTM(layer)(images)
    assert states.shape == stock_states.shape
    network = keras.Model(images, states)
    assert [id(one) for one in network.weights] == [id(one) for one in layer.weights]
