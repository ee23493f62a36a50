"""Training steps that go wrong on purpose, by the width of the network: real ones otherwise."""

import dataclasses
import time

import numpy as np

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.network import training
from mnist_seq.records import EpochRecord, TrainingState
from mnist_seq.workers.tasks import TrainingFunctions

NOT_A_NUMBER, AN_EXCEPTION, HUNGRY, HANGING = 17, 18, 19, 20


def advance(
    config: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    """A real epoch, unless the width says what shall go wrong; always in the second epoch."""
    if state.epoch == 1:
        match config.model.units:
            case 17:
                broken = {path: np.full_like(a, np.nan) for path, a in state.weights.items()}
                state = dataclasses.replace(state, weights=broken)
            case 18:
                raise ValueError("injected")
            case 19:
                eaten = []
                while True:
                    eaten.append(np.ones(2**24))
                    time.sleep(0.05)
            case 20:
                time.sleep(10_000)
    return training.advance(config, data, state)


FUNCTIONS = TrainingFunctions(training.warm_up, training.begin, advance, training.finish)
