"""Records that tests write and read back."""

from collections.abc import Callable

import numpy as np

from mnist_seq.records import EpochRecord

EXAMPLE_NSF = np.zeros((2, 4, 3), np.uint8)


def an_epoch(epoch: int, validation_loss: float = 0.3) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        train_loss=1 / epoch,
        train_accuracy=0.5,
        validation_loss=validation_loss,
        validation_accuracy=0.7,
        learning_rate=0.001,
        seconds=0.25,
        images_per_second=56_000.0,
    )


def raises(error: Exception) -> Callable[[], str]:
    def make() -> str:
        raise error

    return make
