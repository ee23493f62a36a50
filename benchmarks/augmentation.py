"""What does augmentation cost?

    taskset -c 0 python -m benchmarks.augmentation

Epochs of one training on one core, in turn without and with shifts, turns, scales, slants and
elastic changes of the training images. Prints the medians and their ratio.
"""

import argparse
import statistics
import time

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import TrainConfig
from mnist_seq.config.settings import Config
from mnist_seq.config.validation import validate, with_values
from mnist_seq.data.load import load
from mnist_seq.network.training import advance, begin

CHANGES = {"shift": 2, "rotation": 10, "scale": 0.1, "shear": 10, "elastic": 1}


def main() -> None:
    """Print the seconds of an epoch with and without, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    plain: Config = with_values(
        validate(TrainConfig, compose("train", TrainConfig, [])),
        {"model.units": arguments.units, "training.batch_size": arguments.batch_size},
    )
    changed = with_values(
        plain, {f"training.augmentation.{name}": value for name, value in CHANGES.items()}
    )
    data = load(plain.data)
    state = begin(plain, data)
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(1 + arguments.rounds):
        for name, config in zip(seconds, (plain, changed), strict=True):
            start = time.perf_counter()
            advance(config, data, state)
            seconds[name].append(time.perf_counter() - start)
    without, with_it = (statistics.median(times[1:]) for times in seconds.values())
    print(f"{arguments.units} units, batches of {arguments.batch_size}, medians of an epoch")
    print(f"without {without:.2f} s, with {with_it:.2f} s: {with_it / without - 1:+.0%}")


if __name__ == "__main__":
    main()
