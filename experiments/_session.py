"""What sweep, train and rerun have in common: data, workers, tracker, and being stopped."""

import contextlib
import functools
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mnist_seq import training
from mnist_seq.config import Config, DataConfig, TrackingConfig, WorkersConfig
from mnist_seq.data.dataset import Dataset, Part
from mnist_seq.data.load import load
from mnist_seq.display import console
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.workers import Steps, Workers, open_workers

STEPS = Steps(training.warm_up, training.begin, training.advance, training.finish)


@functools.lru_cache(maxsize=4)
def _load(config: DataConfig) -> Dataset:
    return load(config)


def data_of(config: Config) -> Dataset:
    """Dataset that a config names, without its test images; read once."""
    return _without_test(config.data)


def test_images(config: Config) -> Part:
    """Test images of the dataset that a config names, for the one scoring at the end."""
    test = _load(config.data).test
    assert test is not None  # every source has them
    return test


@functools.lru_cache(maxsize=4)
def _without_test(config: DataConfig) -> Dataset:
    return _load(config).without_test()


@dataclass
class Session:
    """Everything that a training needs around it, open."""

    workers: Workers
    tracker: Tracker
    is_stopped: Callable[[], bool]


@contextlib.contextmanager
def open_session(workers: WorkersConfig, tracking: TrackingConfig) -> Iterator[Session]:
    """Workers and tracker for as long as the block lasts."""
    with (
        open_workers(workers, STEPS) as pool,
        # The workers load TensorFlow while the store is opened.
        Tracker(tracking, warn=console.print) as tracker,
        _stop_signals() as is_stopped,
    ):
        yield Session(pool, tracker, is_stopped)


@contextlib.contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl-C or SIGTERM once: stop in good order. Twice: leave now."""
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        if asked:
            raise SystemExit(128 + number)
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def next_commands(tracking: TrackingConfig, *commands: tuple[str, str]) -> None:
    """Print what can be typed next, and why."""
    folder = "" if tracking.folder == "mlruns" else f" tracking.folder={tracking.folder}"
    for command, why in commands:
        console.print(f"  python -m experiments.{command}{folder}  [dim]# {why}[/]", soft_wrap=True)
