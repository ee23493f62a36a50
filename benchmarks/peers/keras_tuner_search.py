"""KerasTuner: one training after the other, each on all cores.

    python -m benchmarks.peers.keras_tuner_search JOB

Given settings are a grid over their places in the list; a search is its Hyperband, which knows
epochs itself: they are not searched, and a trial that goes on takes up the weights of its last
round. A cosine falls to zero over the epochs of each round. KerasTuner keeps the best weights of
each trial on disk; that cannot be turned off, and Hyperband lives on it.
"""

import tempfile
from typing import Any

import keras_tuner

from benchmarks.peers.network import (
    MOST_EPOCHS,
    READOUTS,
    REDUCTION_FACTOR,
    Announcer,
    Arrays,
    Job,
    Setting,
    build,
    fit,
    read_job,
)


class Network(keras_tuner.HyperModel):  # type: ignore[misc]  # keras_tuner has no types
    """Builds and fits what a trial suggests, or one of the settings of the job."""

    def __init__(self, job: Job, arrays: Arrays) -> None:
        super().__init__()
        self.job, self.arrays = job, arrays

    def setting(self, hp: Any) -> Setting:
        """What the trial's values stand for."""
        if self.job.settings:
            place: int = hp.Choice("place", list(range(len(self.job.settings))))
            return self.job.settings[place]
        readout = "last"
        if hp.Boolean("return_sequences"):
            with hp.conditional_scope("return_sequences", [True]):
                readout = hp.Choice("readout", list(READOUTS))
        first = hp.values.get("tuner/initial_epoch", 0)
        return Setting(
            units=hp.Int("units", 16, 128, sampling="log"),
            readout=readout,
            learning_rate=hp.Float("learning_rate", 1e-4, 1e-2, sampling="log"),
            batch_size=hp.Choice("batch_size", [28, 64, 128, 256]),
            epochs=hp.values.get("tuner/epochs", MOST_EPOCHS) - first,
        )

    def build(self, hp: Any) -> Any:
        """A compiled network; KerasTuner clears the session before it asks."""
        return build(self.setting(hp), self.arrays, self.job)

    def fit(self, hp: Any, model: Any, callbacks: list[Any], verbose: int, **epochs: int) -> Any:
        """Keras' history; Hyperband says by name which epochs, and none is shown."""
        assert verbose == 0
        return fit(model, self.setting(hp), self.arrays, callbacks, **epochs)


def run(job: Job, arrays: Arrays) -> None:
    """Train the settings of the job, or search with one whole Hyperband."""
    with tempfile.TemporaryDirectory() as folder:
        common = {
            "hypermodel": Network(job, arrays),
            "objective": keras_tuner.Objective("val_accuracy", "max"),
            "seed": job.seed,
            "directory": folder,
        }
        if job.settings:
            tuner = keras_tuner.GridSearch(max_trials=len(job.settings), **common)
        else:
            tuner = keras_tuner.Hyperband(max_epochs=MOST_EPOCHS, factor=REDUCTION_FACTOR, **common)
        tuner.search(callbacks=[Announcer()], verbose=0)


if __name__ == "__main__":
    run(*read_job())
