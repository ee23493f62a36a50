"""How long from the command to the first figures?

    python -m benchmarks.start

The commands are run as a user runs them, each in a fresh tracking folder, until the line that is
waited for is printed. Then trainings are asked of one real worker that has its libraries and its
images: how long before the first step, for a shape that it has not compiled yet (cold) and for the
same shape once more (warm)? Printed are medians, with the least and the most.
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import TrainConfig
from mnist_seq.config.settings import Config, Scalar
from mnist_seq.config.validation import validate, with_values
from mnist_seq.driver.session import FUNCTIONS, data_of
from mnist_seq.records import EpochRecord
from mnist_seq.workers.cluster import open_workers
from mnist_seq.workers.pool import Workers

ROOT = Path(__file__).resolve().parent.parent
FIRST_FIGURES = re.compile(r"trial \d+: epoch 1/\d+: ")

# Name of a shape, and the settings that make it; large batches, for short epochs.
SHAPES: dict[str, dict[str, Scalar]] = {
    "50 units, last state": {"model.units": 50},
    "50 units, attention": {
        "model.units": 50,
        "model.return_sequences": True,
        "model.readout": "attention",
    },
    "128 units, last state": {"model.units": 128},
}


def seconds_to_figures(*overrides: str) -> float:
    """From the start of a sweep to its first epoch's figures; it is stopped then."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        process = subprocess.Popen(
            _command("sweep", *overrides, f"tracking.folder={folder}"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if FIRST_FIGURES.search(line):
                break
        seconds = time.perf_counter() - began
        os.kill(process.pid, signal.SIGINT)
        process.communicate()
        if process.returncode != 130:  # it came to its own end, or failed
            raise SystemExit("".join(printed))
        return seconds


def seconds_to_end(code: int, *overrides: str) -> float:
    """From the start of a sweep to its end, which must be with this exit code."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = subprocess.run(
            _command("sweep", *overrides, f"tracking.folder={folder}"),
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - began
    if done.returncode != code:
        raise SystemExit(done.stdout + done.stderr)
    return seconds


def _command(name: str, *overrides: str) -> list[str]:
    return [sys.executable, "-m", f"experiments.{name}", *overrides]


def waits() -> Iterator[tuple[str, float]]:
    """Seconds before the first step of trainings in a new worker, each named."""
    plain = validate(TrainConfig, compose("train", TrainConfig, ["workers.count=1"]))
    with open_workers(plain.workers, FUNCTIONS) as workers:
        # Loads the libraries and brings the images, with a shape of its own.
        _wait(workers, _shape(plain, {"model.units": 8}))
        for name, settings in SHAPES.items():
            config = _shape(plain, settings)
            yield f"first step, {name}, cold", _wait(workers, config)
            yield f"first step, {name}, warm", _wait(workers, config)


def _shape(plain: TrainConfig, settings: dict[str, Scalar]) -> Config:
    return with_values(plain, {"training.batch_size": 256, **settings})


def _wait(workers: Workers, config: Config) -> float:
    while not workers.free:
        time.sleep(0.1)
    data = data_of(config)
    began = time.perf_counter()
    workers.start(0, config, data)
    workers.advance(0)
    event = workers.next(600)
    seconds = time.perf_counter() - began
    workers.drop(0)
    if event is None or not isinstance(event[1], EpochRecord):
        raise SystemExit(f"no epoch: {event}")
    return seconds - event[1].seconds


def one_round() -> Iterator[tuple[str, float]]:
    """Every measurement once, named."""
    yield "first figures, MNIST", seconds_to_figures()
    yield "first figures, digits", seconds_to_figures("data=digits")
    yield "a wrong setting refused", seconds_to_end(2, "model.unts=5")
    yield "--help", seconds_to_end(0, "--help")
    yield from waits()


def main() -> None:
    """Print a table of medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    seconds: dict[str, list[float]] = {}
    for _ in range(parser.parse_args().rounds):
        for name, measured in one_round():
            seconds.setdefault(name, []).append(measured)
    print(f"{'seconds':<44} {'median':>8} {'least':>8} {'most':>8}")
    for name, all_of_it in seconds.items():
        median = statistics.median(all_of_it)
        print(f"{name:<44} {median:8.2f} {min(all_of_it):8.2f} {max(all_of_it):8.2f}")


if __name__ == "__main__":
    main()
