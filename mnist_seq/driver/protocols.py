"""Protocols that the driver depends on, so that tests can replace them with fakes."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.records import EpochRecord, TrainingState, Trial, TrialOutcome, WorkerEvent


class TrialSource(Protocol):
    """Hands out trials, decides which are pruned, and is told how they ended."""

    def recover(self, outcomes: Mapping[int, TrialOutcome], /) -> list[Trial]:
        """Take over the outcomes of an earlier session and return their trials."""

    def next(self) -> Trial | None:
        """The next trial to start or to resume, or None when there is none left."""

    def pop_refused(self) -> list[tuple[Trial, TrialOutcome]]:
        """Return, once, trials refused since the last call, before they could start."""

    def report(self, trial: Trial, best: EpochRecord, epoch: int, /) -> None:
        """Note a trial's best epoch so far."""

    def broken_limit(self, trial: Trial, records: Sequence[EpochRecord], /) -> str | None:
        """Which limit a trial breaks, as far as its curve shows it; None if it keeps to all."""

    def should_prune(self, trial: Trial, epoch: int, /) -> bool:
        """Whether to stop a trial after an epoch that was reported."""

    def finish(self, trial: Trial, outcome: TrialOutcome, /) -> None:
        """Note how a trial ended."""


class Workers(Protocol):
    """Worker slots that run one training each; a training is identified by its trial number."""

    @property
    def free(self) -> int: ...

    def start(
        self, number: int, config: Config, data: Dataset, state: TrainingState | None = None
    ) -> None: ...

    def advance(self, number: int) -> None: ...

    def finish(self, number: int) -> None: ...

    def save(self, number: int) -> None: ...

    def drop(self, number: int) -> None: ...

    def next(self, timeout: float) -> tuple[int, WorkerEvent] | None: ...
