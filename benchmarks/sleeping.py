"""A training that sleeps, and tells in its records when it did: for measuring the gaps between.

``python -m benchmarks.sleeping 64`` is a Dask cluster of 64 threads; it prints its address.
"""

import functools
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
from distributed import LocalCluster

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.records import EpochRecord, TrainingState, TrainResult
from mnist_seq.search.finished_trial import FinishedTrial
from mnist_seq.workers.tasks import TrainingFunctions

SECONDS = 0.05


def _begin(_config: Config, _data: Dataset) -> TrainingState:
    return TrainingState({}, {}, (), 0, {})


def _advance(
    seconds: float, config: Config, _data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    """Nobody judges by losses, rate and speed: they carry the clock and the thread."""
    began = time.time()
    time.sleep(seconds)
    epoch = state.epoch + 1
    accuracy = 1 - abs(float(np.log10(config.training.learning_rate)) + 2.5) / 8 - 0.4 / epoch
    thread = float(threading.get_native_id())
    record = EpochRecord(epoch, began, accuracy, 1.0, accuracy, time.time(), seconds, thread)
    return record, TrainingState({}, {}, (*state.records, record), epoch, {})


def _finish(_config: Config, _data: Dataset, state: TrainingState) -> TrainResult:
    return TrainResult(state.records, state.best_epoch, 1, b"")


def _warm_up() -> None:
    pass


def sleeping(seconds: float = SECONDS) -> TrainingFunctions:
    """A training whose epochs take so many seconds."""
    return TrainingFunctions(_warm_up, _begin, functools.partial(_advance, seconds), _finish)


@contextmanager
def cluster(slots: int) -> Iterator[str]:
    """Context manager: the address of a Dask cluster in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sleeping", str(slots)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


Spans: TypeAlias = dict[float, list[tuple[float, float, int]]]


def spans_of(finished: Iterable[FinishedTrial]) -> Spans:
    """When each thread slept, from and to, and for which trial, in order."""
    spans: Spans = {}
    for trial in finished:
        for record in trial.records:
            span = (record["train_loss"], record["learning_rate"], trial.number)
            spans.setdefault(record["images_per_second"], []).append(span)
    for of_one in spans.values():
        of_one.sort()
    return spans


def used(spans: Spans) -> tuple[float, float]:
    """Share of the threads' time that was slept while trials were left, and its seconds."""
    every = [span for of_one in spans.values() for span in of_one]
    starts: dict[int, float] = {}
    for began, _, number in sorted(every):
        starts.setdefault(number, began)
    first, last = min(starts.values()), max(starts.values())
    slept = sum(min(ended, last) - began for began, ended, _ in every if began < last)
    return slept / (len(spans) * (last - first)), last - first


def idle_times(spans: Spans) -> tuple[list[float], list[float]]:
    """Milliseconds that each thread slept not: between two epochs of a trial, and two trials."""
    epochs: list[float] = []
    trials: list[float] = []
    for of_one in spans.values():
        for (_, ended, number), (began, _, following) in itertools.pairwise(of_one):
            (epochs if number == following else trials).append(1e3 * (began - ended))
    return epochs, trials


def main() -> None:
    """Run a scheduler and as many workers as asked for, until stopped."""
    with LocalCluster(
        n_workers=int(sys.argv[1]),
        threads_per_worker=1,
        processes=False,
        memory_limit=0,
        dashboard_address=None,
        host="127.0.0.1",
        protocol="tcp",
        silence_logs=50,
    ) as made:
        print(made.scheduler_address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
