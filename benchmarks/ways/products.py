"""The limit: nothing but the matrix products of an epoch, on one core.

Each size of product runs in a compiled loop of its own, on one pair of matrices that stays in the
cache if it fits, in XLA: of NumPy, PyTorch, TensorFlow and XLA the fastest at these sizes on the
machine that the figures in ``docs/performance.md`` come from.
"""

from collections.abc import Iterator

import tensorflow as tf

from benchmarks.ways.serving import serve
from benchmarks.ways.shape import Shape, products
from mnist_seq.data.dataset import Dataset

# Copies of one product in a loop's body, so that the loop itself costs little beside them. As many
# batches as are left over by it are not counted: none of 84, as 5,400 images are in batches of 64.
REPEATS = 4


def train(shape: Shape, data: Dataset) -> Iterator[None]:
    """The products of epoch after epoch, as many of each as its steps take."""
    forward, backward = products(shape)
    batches = len(data.train) // shape.batch_size
    more = len(data.validation) // shape.batch_size
    loops = [(_loop(*sizes), times * (batches + more)) for times, sizes in forward]
    loops += [(_loop(*sizes), times * batches) for times, sizes in backward]
    while True:
        for loop, times in loops:
            loop(tf.constant(times // REPEATS)).numpy()
        yield


def _loop(m: int, k: int, n: int) -> tf.types.experimental.GenericFunction:
    left, right = tf.random.uniform((m, k)), tf.random.uniform((k, n))

    def loop(times: tf.Tensor) -> tf.Tensor:
        def step(number: tf.Tensor, product: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            for _ in range(REPEATS):
                # Each depends on the one before, or all but one would be left out.
                product = tf.matmul(left + product[:1, :1] * 0.0, right)
            return number + 1, product

        return tf.while_loop(
            lambda number, _: number < times, step, (tf.constant(0), tf.zeros((m, n)))
        )[1]

    return tf.function(loop, jit_compile=True, autograph=False)


if __name__ == "__main__":
    serve(train)
