"""The trials of a study under another space, which Optuna itself cannot change: as a copy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_seq.config import Scalar
from mnist_seq.space import Space, Values, contains, is_active, ordered, own_settings
from mnist_seq.study_store import SPACE_MARK, StudyStore, tried

COPIED = "copied"


@dataclass(frozen=True)
class Opened:
    """A study in its database, under the space that is searched now.

    Attributes
    ----------
    name : str
        As the database has it.
    notes : mapping
        What a sampler has kept with the study.
    copied : int
        How many of its trials were copied from the study under an earlier space.
    kept : (int, int) or None
        If the space has changed just now: how many of how many trials lie inside the new one.
    """

    name: str
    notes: Mapping[str, Any]
    copied: int
    kept: tuple[int, int] | None = None


def open_study(
    store: StudyStore,
    name: str,
    maximize: bool,
    space: Space,
    distributions: Mapping[str, BaseDistribution],
    settings: Mapping[str, Any],
    unsearched: Callable[[str], Scalar],
) -> Opened:
    """Begin the study of this name, or go on with it; copy its trials if the space has changed.

    Parameters
    ----------
    space, distributions
        What is searched now.
    settings
        The study's, which say what was searched before.
    unsearched
        Value of a setting where it is not searched.
    """
    latest = store.open(name)
    if latest is None:
        store.create(name, maximize)
        return Opened(name, {}, 0)
    before = latest.user_attrs["settings"]["search"]
    if before["space"] == settings["search"]["space"]:
        return Opened(latest.study_name, latest.system_attrs, latest.user_attrs.get(COPIED, 0))
    old = latest.study_name
    number = int(old.rpartition(SPACE_MARK)[2]) if SPACE_MARK in old else 1
    copy = f"{name}{SPACE_MARK}{number + 1}"
    trials = store.trials()
    # It counts once its settings are noted, after this: a crash leaves the old study in force.
    store.remove(copy)
    store.create(copy, maximize)
    inside = 0
    for trial in trials:
        values = tried(trial, trial.user_attrs)
        # A baseline may have settings of its own, which were not searched and are now.
        own = own_settings(before["baselines"], trial.number)
        known = {path: own[path] for path in own.keys() & space.keys()} | values
        params = as_searched(known, space, unsearched)
        inside += params is not None
        store.add(_copied(trial, values, params or {}, distributions))
    store.describe(COPIED, len(trials))
    return Opened(copy, {}, len(trials), (inside, len(trials)))


def as_searched(values: Values, space: Space, unsearched: Callable[[str], Scalar]) -> Values | None:
    """A trial's values as a space would have named them, or None if it has no such trial."""
    named: Values = {}
    for path in ordered(space):
        if is_active(space[path], named):
            named[path] = values.get(path, unsearched(path))
    left = values.keys() - named.keys()
    same = all(values[path] == unsearched(path) for path in left)
    inside = all(contains(space[path], value) for path, value in named.items())
    return named if same and inside else None


def _within(distribution: BaseDistribution, value: Scalar) -> Scalar:
    # Three steps of 0.1 are a little more than 0.3, where the range may end.
    if isinstance(distribution, FloatDistribution) and isinstance(value, int | float):
        return min(value, distribution.high)
    return value


def _copied(
    trial: FrozenTrial,
    values: Values,
    params: Values,
    distributions: Mapping[str, BaseDistribution],
) -> FrozenTrial:
    copied = create_trial(
        state=trial.state,
        value=trial.value if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params={path: _within(distributions[path], value) for path, value in params.items()},
        distributions={path: distributions[path] for path in params},
        user_attrs={**trial.user_attrs, "values": values},
        intermediate_values=trial.intermediate_values,
    )
    copied.datetime_start = trial.datetime_start
    copied.datetime_complete = trial.datetime_complete
    return copied
