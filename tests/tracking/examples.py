"""Records that tests write and read back."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from mnist_seq.records import EpochRecord
from mnist_seq.tracking.store import Store

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


def saved_view(store: Store, experiment: str, key: str) -> dict[str, Any]:
    """What MLflow reads of a view that is among an experiment's tags."""
    tags = store.client.get_experiment(experiment).tags
    envelope = json.loads(tags[f"mlflow.sharedViewState.{key}"])
    assert (envelope["name"], type(envelope["createdAt"])) == (key, int)
    state: dict[str, Any] = json.loads(envelope["state"])
    return state


def raises(error: Exception) -> Callable[[], str]:
    def make() -> str:
        raise error

    return make
