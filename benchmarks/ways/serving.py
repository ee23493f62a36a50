"""A way of training as a process: it loads its library once, then trains what it is told to."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.ways.shape import Shape
from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import TrainConfig
from mnist_seq.config.validation import validate
from mnist_seq.data.dataset import Dataset, digest_of
from mnist_seq.data.load import load


def serve(train: Callable[[Shape, Dataset], Iterator[None]]) -> None:
    """Answer each line on stdin, a shape and how much of it, with the seconds of each epoch.

    Parameters
    ----------
    train : callable
        Yields after every epoch, validation included, for as long as it is asked to. The first
        epoch compiles and warms up; it is not counted.
    """
    config = validate(TrainConfig, compose("train", TrainConfig, []))
    whole = load(config.data)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        data = _slice(whole, asked["images"])
        epochs = train(Shape(**asked["shape"]), data)
        next(epochs)
        seconds = []
        for _ in range(asked["epochs"]):
            start = time.perf_counter()
            next(epochs)
            seconds.append(time.perf_counter() - start)
        del epochs  # and what it trained
        print(json.dumps(seconds), flush=True)


def _slice(data: Dataset, images: int) -> Dataset:
    train = data.train.take(slice(images))
    validation = data.validation.take(slice(images // 9))
    digest = digest_of(train, validation, data.class_names, data.scaling)
    return dataclasses.replace(data, train=train, validation=validation, digest=digest)
