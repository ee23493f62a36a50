"""What passes between the driver and its workers: plain values and arrays, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config import Objective

Arrays: TypeAlias = dict[str, NDArray[np.generic]]
EndState: TypeAlias = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch brought. Epochs count from 1; losses are in nats, accuracies in [0, 1].

    Training figures are means over the epoch's batches, taken while the weights still change, as
    Keras reports them; validation figures are taken after the epoch's last step.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float

    def same_curve(self, other: "EpochRecord") -> bool:
        """Whether all that the seed decides is equal bit for bit; timings may differ."""
        timings = {"seconds", "images_per_second"}
        return all(
            getattr(self, name) == getattr(other, name)
            for name in self.__dataclass_fields__
            if name not in timings
        )


def is_better(record: EpochRecord, best: EpochRecord, monitor: Objective) -> bool:
    """Whether an epoch beats the best one before it; of equals the earlier one stays."""
    if monitor == "validation_loss":
        return record.validation_loss < best.validation_loss
    return record.validation_accuracy > best.validation_accuracy


def best_of(records: Sequence[EpochRecord], monitor: Objective) -> EpochRecord:
    """The best epoch of a curve, the earliest of equals."""
    best = records[0]
    for record in records[1:]:
        best = record if is_better(record, best, monitor) else best
    return best


@dataclass(frozen=True)
class State:
    """A training between two epochs, whole: going on from it is the same as never having stopped.

    Attributes
    ----------
    weights : dict of str to array
        The network's weights, by Keras' path.
    optimizer : dict of str to array
        The optimizer's variables, by Keras' path.
    records : tuple of EpochRecord
        One for each epoch so far.
    best_epoch : int
        The epoch with the best monitored value, the earliest of equals; 0 before the first.
    best_weights : dict of str to array
        The network's weights after that epoch.
    """

    weights: Arrays
    optimizer: Arrays
    records: tuple[EpochRecord, ...]
    best_epoch: int
    best_weights: Arrays

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.records)


@dataclass(frozen=True)
class TrainResult:
    """A finished training: its curve and its best network.

    Attributes
    ----------
    records : tuple of EpochRecord
        The whole curve.
    best_epoch : int
        The epoch whose weights the model has.
    parameters : int
        Trainable numbers of the network.
    model : bytes
        The file that ``keras.Model.save`` writes: takes raw 0-255 pixels, returns probabilities.
    """

    records: tuple[EpochRecord, ...]
    best_epoch: int
    parameters: int
    model: bytes

    @property
    def best(self) -> EpochRecord:
        return self.records[self.best_epoch - 1]

    @property
    def last(self) -> EpochRecord:
        return self.records[-1]


@dataclass(frozen=True)
class Ending:
    """How a trial ended.

    Attributes
    ----------
    state : str
        complete, pruned or failed.
    records : tuple of EpochRecord
        Its curve, as far as it got.
    best : EpochRecord or None
        The best epoch; None where not one was finished.
    result : TrainResult or None
        The network of a complete trial.
    reason : str or None
        Why a trial failed: a kind, a colon, the details.
    """

    state: EndState
    records: tuple[EpochRecord, ...]
    best: EpochRecord | None
    result: TrainResult | None = None
    reason: str | None = None

    @property
    def seconds(self) -> float:
        """What its epochs took together."""
        return sum(record.seconds for record in self.records)


@dataclass(frozen=True)
class Saved:
    """A state that was fetched from its worker, to be written down."""

    state: State


@dataclass(frozen=True)
class Failed:
    """A training that its own config or code ended; trying again would end the same way.

    Attributes
    ----------
    kind : str
        One or two words, the same for all failures of a kind: the ledger counts by it.
    detail : str
        What happened this time.
    """

    kind: str
    detail: str


@dataclass(frozen=True)
class WorkerLost:
    """The process that a training lived in is gone or was stopped; it can go on elsewhere."""

    kind: str
    detail: str


Outcome: TypeAlias = EpochRecord | TrainResult | Saved | Failed | WorkerLost
