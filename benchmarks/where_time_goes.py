"""Where does the time of an epoch go?

    taskset -c 0 python -m benchmarks.where_time_goes

One training, on one core, taken apart: each part is run by itself as often as an epoch has it. What
is left over cannot be run by itself: what XLA does for each row between the products, sigmoids and
hyperbolic tangents forward and back, and the copies of what the way back will need.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from benchmarks.ways import products
from benchmarks.ways.shape import Shape
from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import TrainConfig
from mnist_seq.config.validation import validate, with_values
from mnist_seq.data.load import load
from mnist_seq.network.program import Program, Regularization, program_for
from mnist_seq.network.training import advance, begin


def median(part: Callable[[], object], rounds: int) -> float:
    """Seconds that it takes, once it has run."""
    part()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        part()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def optimizer_steps(program: Program) -> Callable[[], object]:
    """The optimizer's share of an epoch: as many steps, always with the same gradients."""
    steered = program.optimized_variables
    gradients = [tf.fill(variable.shape, 1e-3) for variable in steered]

    def steps() -> tf.Tensor:
        def step(number: tf.Tensor) -> tuple[tf.Tensor]:
            # Differs from step to step, or XLA would work out the gradients' part once.
            scale = tf.cast(number, tf.float32)
            program.optimizer.apply([gradient * scale for gradient in gradients], steered)
            return (number + 1,)

        return tf.while_loop(lambda number: number < program.steps, step, (tf.constant(0),))[0]

    compiled = tf.function(steps, jit_compile=True, autograph=False)
    return lambda: compiled().numpy()


def main() -> None:
    """Print the parts and their shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    config = with_values(
        validate(TrainConfig, compose("train", TrainConfig, [])),
        {"model.units": arguments.units, "training.batch_size": arguments.batch_size},
    )
    data = load(config.data)
    state = begin(config, data)
    program = program_for(config, data)
    epoch = median(lambda: advance(config, data, state), arguments.rounds)
    training_alone = dataclasses.replace(data, validation=data.validation.take(slice(0)))
    shape = Shape(arguments.units, arguments.batch_size)
    only_products = products.train(shape, training_alone)

    def in_and_out() -> None:
        program.restore(state.weights, state.optimizer)
        program.snapshot()

    images_NSF = data.train.images_NSF
    order_N, rates_T = np.arange(len(data.train), dtype=np.int32), np.ones(program.steps)
    plain = Regularization.of(config.training)
    parts = {
        "matrix products": median(lambda: next(only_products), arguments.rounds),
        "optimizer": median(optimizer_steps(program), arguments.rounds),
        "batches put in order": median(
            lambda: program.run(images_NSF, order_N, [], rates_T, plain, steps=0), arguments.rounds
        ),
        "validation": median(lambda: program.evaluate(data.validation), arguments.rounds),
        "state put in and out": median(in_and_out, arguments.rounds),
    }
    parts["what XLA does between the products"] = epoch - sum(parts.values())
    print(f"{arguments.units} units, batches of {arguments.batch_size}: {epoch:.2f} s an epoch")
    for name, seconds in parts.items():
        print(f"{name:36} {seconds:6.2f} s {seconds / epoch:6.0%}")


if __name__ == "__main__":
    main()
