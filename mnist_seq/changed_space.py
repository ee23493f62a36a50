"""The trials of a study under another space, which Optuna itself cannot change: as a copy."""

from collections.abc import Callable, Mapping

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_seq.config import Scalar
from mnist_seq.space import Space, Values, contains, is_active, ordered
from mnist_seq.study_store import SPACE_MARK, StudyStore, tried

COPIED = "copied"


def copy_name(name: str, old: str) -> str:
    """What the copy of a study is called: the study's name, and how many spaces it has had."""
    number = int(old.rpartition(SPACE_MARK)[2]) if SPACE_MARK in old else 1
    return f"{name}{SPACE_MARK}{number + 1}"


def copy_trials(
    store: StudyStore,
    name: str,
    maximize: bool,
    space: Space,
    distributions: Mapping[str, BaseDistribution],
    unsearched: Callable[[str], Scalar],
) -> tuple[int, int]:
    """Copy the trials of the open study to one of another name, and leave that one open.

    The copy counts once its settings are noted, after its last trial: a crash before that leaves
    the old study in force.

    Parameters
    ----------
    space, distributions
        What is searched now.
    unsearched
        Value of a setting where it is not searched.

    Returns
    -------
    (int, int)
        How many of how many trials lie inside the new space.
    """
    trials = store.trials()
    store.remove(name)
    store.create(name, maximize)
    inside = 0
    for trial in trials:
        values = tried(trial, trial.user_attrs)
        params = as_searched(values, space, unsearched)
        inside += params is not None
        store.add(_copied(trial, values, params or {}, distributions))
    # Brackets follow from a study's name: the rungs of the old ones mean nothing here.
    store.describe(COPIED, len(trials))
    return inside, len(trials)


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


def _copied(
    trial: FrozenTrial,
    values: Values,
    params: Values,
    distributions: Mapping[str, BaseDistribution],
) -> FrozenTrial:
    copied = create_trial(
        state=trial.state,
        value=trial.value if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=params,
        distributions={path: distributions[path] for path in params},
        user_attrs={**trial.user_attrs, "values": values},
        intermediate_values=trial.intermediate_values,
    )
    copied.datetime_start = trial.datetime_start
    copied.datetime_complete = trial.datetime_complete
    return copied
