"""Copy the trials of a study into a new study with another search space."""

from collections.abc import Mapping, Sequence

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Values, value_at
from mnist_seq.search.aims import directions
from mnist_seq.search.finished_trial import settings_of
from mnist_seq.search.space import Space, contains, is_active, ordered, within
from mnist_seq.search.storage import StudyStorage

COPIED = "copied"  # with the study: how many of its trials came from an earlier space


def copy_into_space(
    storage: StudyStorage,
    name: str,
    config: SweepConfig,
    distributions: Mapping[str, BaseDistribution],
) -> tuple[str, tuple[int, int]]:
    """Copy the open study's trials into a new study with the config's search space.

    The new one counts once its settings are noted: a crash before that leaves the old in force.

    Returns
    -------
    str
        The new study's name in the database.
    (int, int)
        How many of how many trials lie inside the new space.
    """
    baselines = storage.attributes()["settings"]["search"]["baselines"]
    trials = storage.trials()
    copy = storage.create_copy(name, directions(config.search))
    inside = 0
    for trial in trials:
        params = settings_in_space(known_settings(trial, baselines, config.search.space), config)
        inside += params is not None
        storage.add(copied(trial, settings_of(trial), params or {}, distributions))
    storage.set_attribute(COPIED, len(trials))
    return copy, (inside, len(trials))


def known_settings(trial: FrozenTrial, baselines: Sequence[Values], space: Space) -> Values:
    """Return a trial's settings, and those that its study's baselines fixed and the space has."""
    own = baselines[trial.number] if trial.number < len(baselines) else {}
    return {path: own[path] for path in own.keys() & space.keys()} | settings_of(trial)


def settings_in_space(settings: Values, config: SweepConfig) -> Values | None:
    """Express a trial's settings in the config's search space; None if they lie outside it."""
    space = config.search.space
    named: Values = {}
    for path in ordered(space):
        if is_active(space[path], named):
            named[path] = settings.get(path, value_at(config, path))
    left = settings.keys() - named.keys()
    same = all(settings[path] == value_at(config, path) for path in left)
    if not same or not all(contains(space[path], value) for path, value in named.items()):
        return None
    return {path: within(space[path], value) for path, value in named.items()}


def copied(
    trial: FrozenTrial,
    settings: Values,
    params: Values,
    distributions: Mapping[str, BaseDistribution],
) -> FrozenTrial:
    """Copy a trial with all its `settings`; samplers learn from its `params` alone."""
    copy = create_trial(
        state=trial.state,
        values=trial.values if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=dict(params),
        distributions={path: distributions[path] for path in params},
        user_attrs={**trial.user_attrs, "values": settings},
        intermediate_values=trial.intermediate_values,
    )
    copy.datetime_start = trial.datetime_start
    copy.datetime_complete = trial.datetime_complete
    return copy
