"""The optimizers by name, and a network's weights as one flat vector for them to update."""

import keras
import numpy as np
import tensorflow as tf
from keras import optimizers
from numpy.typing import NDArray

from mnist_seq.config.settings import OptimizerName

OPTIMIZERS: dict[OptimizerName, type[optimizers.Optimizer]] = {
    "adadelta": optimizers.Adadelta,
    "adagrad": optimizers.Adagrad,
    "adam": optimizers.Adam,
    "adamax": optimizers.Adamax,
    "adamw": optimizers.AdamW,
    "lamb": optimizers.Lamb,
    "lion": optimizers.Lion,
    "nadam": optimizers.Nadam,
    "rmsprop": optimizers.RMSprop,
    "sgd": optimizers.SGD,
}
# Keras' own for AdamW, where a config names none.
ADAMW_DECAY = 0.004
# These take the norm of each array of weights; all others update each number by itself.
LAYERWISE = {"lamb"}


class FlatWeights:
    """All weights of a network in one vector, one array after the other.

    XLA compiles an optimizer's arithmetic anew for every variable. For one vector instead of five
    or more arrays, compiling a training takes an eighth less time; the numbers are the same, as
    long as the optimizer is not `LAYERWISE`.

    Parameters
    ----------
    weights : list of keras.Variable
        They keep values of their own: vector and weights are equal after a copy, in either
        direction, and until one of them changes.

    Attributes
    ----------
    variable : keras.Variable
        The vector, float32.
    """

    def __init__(self, weights: list[keras.Variable]) -> None:
        self._weights = weights
        self._sizes = [int(np.prod(weight.shape)) for weight in weights]
        self.variable = keras.Variable(self._values(), name="weights")

    def split(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """Split a flat vector into tensors with the weights' shapes."""
        parts = tf.split(vector, self._sizes)
        return [
            tf.reshape(part, weight.shape)
            for part, weight in zip(parts, self._weights, strict=True)
        ]

    def copy_from_weights(self) -> None:
        """Copy the weights into the vector."""
        self.variable.assign(self._values())

    def copy_to_weights(self, vector: keras.Variable | None = None) -> None:
        """Copy the vector, or another like it, into the weights."""
        vector = self.variable if vector is None else vector
        parts = np.split(vector.numpy(), np.cumsum(self._sizes)[:-1])
        for weight, part in zip(self._weights, parts, strict=True):
            weight.assign(part.reshape(weight.shape))

    def _values(self) -> NDArray[np.float32]:
        return np.concatenate([np.ravel(weight.numpy()) for weight in self._weights])
