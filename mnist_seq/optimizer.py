"""The optimizers by name, and the one variable that most of them are given."""

import keras
import numpy as np
import tensorflow as tf
from keras import optimizers
from numpy.typing import NDArray

from mnist_seq.config import OptimizerName

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
# These measure each array of weights as a whole; all others look at each number by itself.
BY_ARRAY = {"lamb"}


class Joined:
    """One vector that holds the weights of a network, one after the other.

    XLA compiles an optimizer's arithmetic anew for every variable. For one vector instead of five
    or more arrays, compiling a training takes an eighth less time; the numbers are the same, as
    long as the optimizer is not one of `BY_ARRAY`.

    Parameters
    ----------
    weights : list of keras.Variable
        They keep values of their own, which `gather` reads and `spread` sets.
    """

    def __init__(self, weights: list[keras.Variable]) -> None:
        self._weights = weights
        self._sizes = [int(np.prod(weight.shape)) for weight in weights]
        self.variable = keras.Variable(self._values(), name="weights")

    def apart(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """The vector's parts, in the shapes of the weights."""
        parts = tf.split(vector, self._sizes)
        return [
            tf.reshape(part, weight.shape)
            for part, weight in zip(parts, self._weights, strict=True)
        ]

    def gather(self) -> None:
        """Set the vector to what the weights are."""
        self.variable.assign(self._values())

    def spread(self) -> None:
        """Set the weights to what the vector holds."""
        parts = np.split(self.variable.numpy(), np.cumsum(self._sizes)[:-1])
        for weight, part in zip(self._weights, parts, strict=True):
            weight.assign(part.reshape(weight.shape))

    def _values(self) -> NDArray[np.float32]:
        return np.concatenate([np.ravel(weight.numpy()) for weight in self._weights])
