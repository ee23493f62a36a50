"""What makes two searches the same study: its name, and the settings that must not change."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mnist_seq.config.commands import DataFiles, SweepConfig
from mnist_seq.config.search import Range
from mnist_seq.config.settings import Config, Values, flatten, value_at
from mnist_seq.config.validation import settings, with_values
from mnist_seq.errors import ConfigError
from mnist_seq.search.space import is_active, ordered

# Settings that may change within one study: they shape no trial's curve.
CHANGEABLE = ("trials", "most_trials", "timeout", "retries", "max_failures", "storage")
NOT_OF_THE_STUDY = {"study", "report", "retry_failed", "notify", "workers", "tracking"}
# Files may move: the study knows its images by their digests.
MOVABLE = tuple(f"data.{name}" for name in DataFiles.model_fields)


def fixed_settings(config: SweepConfig) -> dict[str, Any]:
    """Return the settings that define a study and its trials, as a nested dict.

    A setting that has a default in its class is one that earlier studies did not have: at this
    default it is left out, so that their names and settings stay what they were.
    """
    shape = config.model_dump(exclude=NOT_OF_THE_STUDY)
    for free in CHANGEABLE:
        del shape["search"][free]
    for path, field in settings(SweepConfig).items():
        *groups, name = path.split(".")
        kept = shape
        for group in groups:
            kept = kept.get(group, {})
        if name in kept and not field.is_required() and kept[name] == field.default:
            del kept[name]
    for group, name in (("search", "limits"), ("training", "augmentation")):
        if not shape[group][name]:
            del shape[group][name]
    return shape


def study_name(config: SweepConfig) -> str:
    """Return the given study name, or the data source's name with a digest of the settings.

    The same command with more trials, more time or other workers goes on with the same study.
    """
    if config.study is not None:
        return config.study
    text = json.dumps(fixed_settings(config), sort_keys=True)
    return f"{config.data.source}-{hashlib.blake2b(text.encode(), digest_size=3).hexdigest()}"


def check_unchanged(name: str, old: Mapping[str, Any], config: SweepConfig) -> None:
    """Raise a ConfigError if a setting that defines the study's trials differs.

    Parameters
    ----------
    old : mapping
        The study's `fixed_settings`; the space and the limits may differ, and where data files
        lie.

    Raises
    ------
    ConfigError
        With a line for each setting that differs.
    """
    known = settings(SweepConfig)
    defaults = {path: field.default for path, field in known.items() if not field.is_required()}
    before, now = defaults | flatten(old), defaults | flatten(fixed_settings(config))
    different = [
        path
        for path in before.keys() | now.keys()
        if before.get(path) != now.get(path)
        and path not in MOVABLE
        and not path.startswith(("search.space.", "search.limits."))
    ]
    if different:
        raise ConfigError(
            *(
                f"{path}: study {name} has {before.get(path)}, now it is {now.get(path)}; "
                "change it back, or name another study=..."
                for path in sorted(different)
            )
        )


def most_epochs(config: SweepConfig) -> int:
    """Return the maximum number of epochs of a trial, which is the pruner's budget."""
    dimension = config.search.space.get("training.epochs")
    if dimension is None:
        return config.training.epochs
    ends = [dimension.high] if isinstance(dimension, Range) else dimension.choices
    return max(config.training.epochs, *(int(end) for end in ends if isinstance(end, int | float)))


def baseline_settings(config: SweepConfig, number: int) -> Values:
    """Return the settings that a baseline trial overrides; empty for any other trial."""
    baselines = config.search.baselines
    return baselines[number] if number < len(baselines) else {}


def trial_config(config: SweepConfig, number: int, values: Values) -> Config:
    """Return the whole config of a trial with these values of the searched settings.

    Raises
    ------
    ConfigError
        If the values are refused together.
    """
    return with_values(config, {**values, **baseline_settings(config, number)})


def searched_baseline(config: SweepConfig, number: int) -> Values | None:
    """Return a baseline trial's values of the searched settings; None for any other trial."""
    if number >= len(config.search.baselines):
        return None
    own, values = baseline_settings(config, number), Values()
    for path in ordered(config.search.space):
        if is_active(config.search.space[path], values):
            values[path] = own.get(path, value_at(config, path))
    return values
