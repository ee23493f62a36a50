"""Searches in this process, without workers and MLflow: what is compared is which trials are tried.

A config has one curve, bit for bit. So an epoch of it is trained once, for all searches.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Config
from mnist_seq.data.load import training_data
from mnist_seq.network.training import advance, begin
from mnist_seq.records import EpochRecord, FinalState, TrainingState, Trial, TrialOutcome, best_of
from mnist_seq.search.storage import StudyStorage
from mnist_seq.search.study import Study
from mnist_seq.search.trials import StudyTrials


@dataclass
class Trainings:
    """Trainings as far as they were needed."""

    states: dict[str, TrainingState] = field(default_factory=dict)

    def record(self, config: Config, epoch: int) -> EpochRecord:
        """Train a config up to an epoch, and return that one's record."""
        known, data = config.model_dump_json(), training_data(config.data)
        state = self.states.get(known) or begin(config, data)
        while state.epoch < epoch:
            _, state = advance(config, data, state)
        self.states[known] = state
        return state.records[epoch - 1]


def searched(
    folder: Path, config: SweepConfig, trainings: Trainings
) -> Iterator[tuple[Trial, TrialOutcome]]:
    """Run a search, one trial after the other; each trial as it ends."""
    trials = StudyTrials(Study(StudyStorage(folder / "optuna.db"), config), config)
    while (trial := trials.next()) is not None:
        yield trial, _ended(trials, trial, trainings)


def _ended(trials: StudyTrials, trial: Trial, trainings: Trainings) -> TrialOutcome:
    epochs = trial.config.training.epochs
    records: list[EpochRecord] = []
    for epoch in range(1, epochs + 1):
        records.append(trainings.record(trial.config, epoch))
        trials.report(trial, best_of(records, trial.config.training.monitor), epoch)
        if epoch < epochs and trial.prunable and trials.should_prune(trial, epoch):
            break
    state: FinalState = "complete" if len(records) == epochs else "pruned"
    outcome = TrialOutcome(state, tuple(records), best_of(records, trial.config.training.monitor))
    trials.finish(trial, outcome)
    return outcome
