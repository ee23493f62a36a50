"""Trials that another program has put into a study: Optuna itself, its dashboard, a script."""

import copy
import reprlib
from collections.abc import Mapping

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_seq.config.validation import is_integer
from mnist_seq.errors import in_one_line
from mnist_seq.search.finished_trial import own_settings
from mnist_seq.search.space import Space, contains, within

ENQUEUED = "fixed_params"  # with an enqueued trial, by Optuna: the values to try


def has_settings(trial: FrozenTrial) -> bool:
    """Whether a running trial is one to resume; one that another program runs has no values yet."""
    return bool(trial.params or own_settings(trial)) or ENQUEUED in trial.system_attrs


def problem_of(trial: FrozenTrial, space: Space) -> str | None:
    """Why a trial cannot be run in the search space; None if it can."""
    if own_settings(trial):  # a baseline, which may lie outside
        return None
    for path, value in {**trial.params, **trial.system_attrs.get(ENQUEUED, {})}.items():
        if path not in space:
            return f"it was enqueued with {in_one_line(path[:60])}, which is not searched"
        is_part = is_integer(path) and isinstance(value, float) and not value.is_integer()
        if is_part or not contains(space[path], value):
            shown = reprlib.repr(value)
            return f"it was enqueued with {path}={shown}, which lies outside search.space"
    return None


def within_space(trial: FrozenTrial, space: Space) -> FrozenTrial:
    """Return an enqueued trial with its values to the last bit within the search space."""
    enqueued = trial.system_attrs.get(ENQUEUED)
    if enqueued is None:
        return trial
    adjusted = copy.copy(trial)
    values = {path: within(space[path], value) for path, value in enqueued.items()}
    adjusted.system_attrs = {**trial.system_attrs, ENQUEUED: values}
    return adjusted


def fits(trial: FrozenTrial, distributions: Mapping[str, BaseDistribution]) -> bool:
    """Whether a trial's parameters are of the kinds that the study suggests, and in their range."""
    try:
        create_trial(
            state=TrialState.WAITING, params=trial.params, distributions=trial.distributions
        )
    except ValueError:
        return False
    for path, known in trial.distributions.items():
        if path not in distributions:
            return False
        try:
            check_distribution_compatibility(distributions[path], known)
        except ValueError:
            return False
    return True
