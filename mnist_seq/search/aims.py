"""Searches with several aims: one validation metric and the costs that a trial has beside it."""

from collections.abc import Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mnist_seq.config.search import SearchConfig
from mnist_seq.config.settings import Config, Cost
from mnist_seq.records import EpochRecord
from mnist_seq.search.limits import trained_parameters

Costs = tuple[float, ...]
COSTS = "costs"  # with a trial, from its first epoch on


def directions(search: SearchConfig) -> list[StudyDirection]:
    """Optuna's directions of a search's aims, in their order."""
    is_loss = search.metric == "validation_loss"
    first = StudyDirection.MINIMIZE if is_loss else StudyDirection.MAXIMIZE
    return [first, *[StudyDirection.MINIMIZE] * len(search.costs)]


def costs_of(aims: Sequence[Cost], config: Config, first: EpochRecord) -> Costs:
    """Return what a training costs, in the order of the aims.

    Parameters
    ----------
    first : EpochRecord
        Its first epoch.
    """
    return tuple(
        float(trained_parameters(config)) if cost == "parameters" else first.seconds
        for cost in aims
    )


def known_costs(trial: FrozenTrial, count: int) -> Costs | None:
    """Return the costs of a trial, `count` of them; None while they are not known."""
    if trial.state == TrialState.COMPLETE:
        return tuple(trial.values[1:])
    stored = trial.user_attrs.get(COSTS, ())
    # Another program may have an attribute of this name.
    is_ours = isinstance(stored, list | tuple) and len(stored) == count
    return tuple(stored) if is_ours else None


def no_costlier(costs: Costs, than: Costs) -> bool:
    """Whether none of a trial's costs is above the same cost of another trial."""
    return all(cost <= other for cost, other in zip(costs, than, strict=True))
