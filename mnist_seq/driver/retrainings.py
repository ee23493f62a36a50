"""Which configs a rerun trains: those of earlier runs and of the baseline, each with seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

from mnist_seq.config.commands import DataFiles, RerunConfig
from mnist_seq.config.settings import Config, Values, scalar_text, value_at
from mnist_seq.config.validation import settings, validate, with_values
from mnist_seq.driver.run_data import config_with_data
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import ConfigError
from mnist_seq.records import EpochRecord
from mnist_seq.tracking.results import Experiment, StoredRun


@dataclass(frozen=True)
class RetrainingPlan:
    """The config of an earlier run, to be trained again with several seeds.

    Attributes
    ----------
    source : StoredRun
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

    source: StoredRun
    original: Config
    curve: tuple[EpochRecord, ...]
    configs: list[Config]
    numbers: range
    is_chosen: bool
    is_baseline: bool

    @property
    def changed(self) -> str:
        """What the first training has changed, as in ``training.epochs 10 → 30``; may be empty."""
        pairs = {
            path: (value_at(self.original, path), value_at(self.configs[0], path))
            for path in settings(Config)
        }
        return ", ".join(
            f"{path} {scalar_text(before)} → {scalar_text(now)}"
            for path, (before, now) in pairs.items()
            if before != now
        )

    @property
    def values(self) -> list[Values]:
        """What tells each training from the others, in tables and MLflow."""
        mark: Values = {"baseline": True} if self.is_baseline else {}
        name = self.source.name
        return [{"config": name, "seed": each.seed, **mark} for each in self.configs]

    @property
    def tags(self) -> list[dict[str, str]]:
        """Tags of each training's MLflow run."""
        changed = {"changed": self.changed} if self.is_chosen and self.changed else {}
        return [{"rerun_of": self.source.id, **changed} for _ in self.configs]


def find_runs(workspace: Workspace, config: RerunConfig) -> tuple[Experiment, list[StoredRun]]:
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
    workspace: Workspace, experiment: Experiment, sources: Sequence[StoredRun], config: RerunConfig
) -> list[RetrainingPlan]:
    """Plan a rerun: each config with its changes and the same seeds; at the end the baseline's.

    The baseline is left out where it is not wanted, is there already, or there is one seed.

    Raises
    ------
    ConfigError, DataError
        If the changes are not possible, or the data of a run are not those it was made with.
    """
    results, baseline = workspace.results, workspace.baseline_run(experiment)
    known = []
    for source in sources:
        original = config_with_data(results, source, config.data)
        known.append((source, original, with_values(original, config.changes)))
    first = known[0][2]
    unchanged = {
        source.id
        for source, original, wanted in known
        if wanted == with_values(original, {"seed": wanted.seed})
    }
    base = baseline.id if baseline is not None else None
    if config.baseline and config.seeds > 1 and baseline is not None and base not in unchanged:
        same = {
            f"data.{name}": getattr(first.data, name)
            for name in (*DataFiles.model_fields, "train_on")
        }
        theirs = with_values(validate(Config, results.config(baseline.id)), same)
        known.append((baseline, theirs, theirs))
    return [
        RetrainingPlan(
            source,
            original,
            results.curve(source.id),
            [with_values(wanted, {"seed": first.seed + n}) for n in range(config.seeds)],
            range(place * config.seeds, (place + 1) * config.seeds),
            is_chosen=place < len(sources),
            is_baseline=source.id == base and (place >= len(sources) or base in unchanged),
        )
        for place, (source, original, wanted) in enumerate(known)
    ]
