"""Which configs a rerun trains: those of earlier runs and of the baseline, each with seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

from mnist_seq.config import Config, RerunConfig, Values
from mnist_seq.driver.run_data import config_with_data
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import ConfigError
from mnist_seq.records import EpochRecord
from mnist_seq.tracking.results import Experiment, RunInfo
from mnist_seq.validation import validate, with_values


@dataclass(frozen=True)
class Retraining:
    """The config of an earlier run, to be trained again with several seeds.

    Attributes
    ----------
    source : RunInfo
        The earlier run.
    original : Config
        Its config.
    curve : tuple of EpochRecord
        Its learning curve.
    configs : list of Config
        What is trained, one for each seed.
    numbers : range
        Of the trainings, one for each seed.
    is_chosen : bool
        Whether it was asked for, or is there for the others to be compared with.
    is_baseline : bool
        Whether the earlier run is the study's baseline.
    """

    source: RunInfo
    original: Config
    curve: tuple[EpochRecord, ...]
    configs: list[Config]
    numbers: range
    is_chosen: bool
    is_baseline: bool

    @property
    def is_repetition(self) -> bool:
        """Whether the first training must give the earlier run's curve."""
        return self.configs[0] == self.original

    @property
    def values(self) -> list[Values]:
        """What tells each training from the others, in tables and MLflow."""
        mark: Values = {"baseline": True} if self.is_baseline else {}
        name = self.source.name
        return [{"config": name, "seed": each.seed, **mark} for each in self.configs]

    @property
    def tags(self) -> list[dict[str, str]]:
        """Tags of each training's MLflow run."""
        return [{"rerun_of": self.source.id} for _ in self.configs]


def find_runs(workspace: Workspace, config: RerunConfig) -> tuple[Experiment, list[RunInfo]]:
    """The runs whose configs are trained again, the best first, and their experiment.

    Raises
    ------
    ConfigError
        If the study has fewer complete trials than asked for.
    TrackingError
        If there is no such study or run.
    """
    experiment, best = workspace.find_run(config)
    if config.top is None:
        return experiment, [best]
    complete = workspace.complete_trials(experiment)
    if len(complete) < config.top:
        raise ConfigError(
            f"top: must be at most {len(complete)}, the number of complete trials in "
            f"{experiment.name} (got {config.top})"
        )
    return experiment, complete[: config.top]


def retrainings(
    workspace: Workspace, experiment: Experiment, sources: Sequence[RunInfo], config: RerunConfig
) -> list[Retraining]:
    """Plan a rerun: each config with the same seeds, and at the end the baseline's.

    The baseline is left out where it is not wanted, is among the `sources`, or there is one seed.

    Raises
    ------
    ConfigError, DataError
        If the data of a run are not those it was made with.
    """
    results, baseline = workspace.results, workspace.baseline_run(experiment)
    known = [(source, config_with_data(results, source, config.data)) for source in sources]
    first, runs = known[0][1], {source.id for source in sources}
    if config.baseline and config.seeds > 1 and baseline is not None and baseline.id not in runs:
        files = {f"data.{name}": getattr(first.data, name) for name in ("train_file", "test_file")}
        known.append((baseline, with_values(validate(Config, results.config(baseline.id)), files)))
    return [
        Retraining(
            source,
            original,
            results.curve(source.id),
            [with_values(original, {"seed": first.seed + n}) for n in range(config.seeds)],
            range(place * config.seeds, (place + 1) * config.seeds),
            is_chosen=source.id in runs,
            is_baseline=baseline is not None and source.id == baseline.id,
        )
        for place, (source, original) in enumerate(known)
    ]
