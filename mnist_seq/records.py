"""Data classes, events and callbacks shared by the driver and its workers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from mnist_seq.config.settings import Config, Objective, Values

Arrays: TypeAlias = dict[str, NDArray[np.generic]]
FinalState: TypeAlias = Literal["complete", "pruned", "infeasible", "failed"]


@dataclass(frozen=True)
class EpochRecord:
    """Metrics of one epoch. Epochs count from 1; losses are in nats, accuracies in [0, 1].

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
        """Whether all fields except the timings are equal."""
        timings = {"seconds", "images_per_second"}
        return all(
            getattr(self, name) == getattr(other, name)
            for name in self.__dataclass_fields__
            if name not in timings
        )


_CURVE = TypeAdapter(tuple[EpochRecord, ...])


def parse_records(plain: Any) -> tuple[EpochRecord, ...]:
    """Return a curve that was stored as a list of plain mappings.

    Raises
    ------
    ValueError
        If it is anything else, or its epochs are not 1, 2, 3 and so on.
    """
    records = _CURVE.validate_python(plain)
    if [record.epoch for record in records] != list(range(1, len(records) + 1)):
        raise ValueError("the epochs of a curve must be 1, 2, 3 and so on")
    return records


def is_better(record: EpochRecord, best: EpochRecord, monitor: Objective) -> bool:
    """Whether an epoch is strictly better than the best one so far in the monitored metric."""
    if monitor == "validation_loss":
        return record.validation_loss < best.validation_loss
    return record.validation_accuracy > best.validation_accuracy


def best_of(records: Sequence[EpochRecord], monitor: Objective) -> EpochRecord:
    """Return the best epoch of a learning curve; the earliest one wins a tie."""
    best = records[0]
    for record in records[1:]:
        best = record if is_better(record, best, monitor) else best
    return best


@dataclass(frozen=True)
class TrainingState:
    """Complete state of a training between two epochs, from which it resumes exactly.

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
        """Number of epochs trained so far."""
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
        The file that ``keras.Model.save`` writes: takes the data source's numbers, returns
        probabilities.
    """

    records: tuple[EpochRecord, ...]
    best_epoch: int
    parameters: int
    model: bytes

    @property
    def best(self) -> EpochRecord:
        return self.records[self.best_epoch - 1]


@dataclass(frozen=True)
class Trial:
    """One training to be done: its number and its config.

    Attributes
    ----------
    number : int
        Its number in the study, from 0.
    config : Config
        All of its settings.
    settings : dict of str to scalar
        Those that are searched, by path; empty where nothing is.
    prunable : bool
        Whether it may be stopped before its last epoch.
    """

    number: int
    config: Config
    settings: Values
    prunable: bool = True


@dataclass(frozen=True)
class TrialOutcome:
    """How a trial ended.

    Attributes
    ----------
    state : str
        complete, pruned, infeasible or failed.
    records : tuple of EpochRecord
        Its curve, as far as it got.
    best : EpochRecord or None
        The best epoch; None where not one was finished.
    result : TrainResult or None
        The network of a complete trial.
    reason : str or None
        Why a trial failed or is infeasible: a kind, a colon, the details.
    """

    state: FinalState
    records: tuple[EpochRecord, ...]
    best: EpochRecord | None
    result: TrainResult | None = None
    reason: str | None = None

    @property
    def seconds(self) -> float:
        """Total time of the trial's epochs, in seconds."""
        return sum(record.seconds for record in self.records)


class Callback:
    """Base class of callbacks for trial events; the methods do nothing by default.

    No method may wait for anything: the driver waits for the method.
    """

    def on_trial_start(self, trial: Trial) -> None:
        """Called when a trial starts or resumes."""

    def on_epoch_end(self, trial: Trial, record: EpochRecord) -> None:
        """Called once for each epoch that a trial has finished."""

    def on_trial_end(self, trial: Trial, outcome: TrialOutcome) -> None:
        """Called when a trial is complete, pruned, infeasible or failed."""

    def on_trial_refused(self, trial: Trial, outcome: TrialOutcome) -> None:
        """Called when a trial failed before it could start: its settings exclude each other."""

    def on_message(self, text: str) -> None:
        """Called with a message for the user."""


@dataclass(frozen=True)
class StateFetched:
    """Event: a training's state was fetched from its worker and can be saved."""

    state: TrainingState


@dataclass(frozen=True)
class TrainingFailed:
    """Event: a training failed in a way that a retry would only repeat.

    Attributes
    ----------
    kind : str
        One or two words, the same for all failures of a kind: failures are counted by it.
    detail : str
        What happened this time.
    """

    kind: str
    detail: str


@dataclass(frozen=True)
class WorkerLost:
    """Event: a training's worker died or was killed; another worker can resume the training.

    Attributes
    ----------
    kind, detail : str
        As in `TrainingFailed`.
    is_own : bool
        Whether the training is to blame: it crashed or hung its process.
    is_counted : bool
        Whether it counts among the losses that a trial may have: it says something of the training
        or of its machine, and not of a connection.
    """

    kind: str
    detail: str
    is_own: bool = False
    is_counted: bool = True


@dataclass(frozen=True)
class EnvironmentFault:
    """Event: the machine or the installation, not its config, kept a training from going on."""

    kind: str
    detail: str


WorkerEvent: TypeAlias = (
    EpochRecord | TrainResult | StateFetched | TrainingFailed | WorkerLost | EnvironmentFault
)
