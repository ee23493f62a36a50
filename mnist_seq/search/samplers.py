"""Samplers: our own or Optuna's, with every option spelled out.

Optuna's defaults change between versions; a search must not change with them.
"""

import copy
import math
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from mnist_seq.config.search import Choices, Dimension, SearchConfig
from mnist_seq.config.settings import Scalar, Values
from mnist_seq.config.validation import is_integer
from mnist_seq.search.aims import known_costs
from mnist_seq.search.gaussian_process import GaussianProcessSampler
from mnist_seq.search.limits import Allows, ParametersOf
from mnist_seq.search.space import Space, grid, is_active, ordered

# Random trials before TPE models: its usual ten would be half of a default sweep.
TPE_STARTUP_TRIALS = 8
GP_STARTUP_TRIALS = 4
# Then TPE goes on: a Gaussian process takes the cube of the trials, a tenth of a second by then.
GP_TRIALS = 100
MOST_ATTEMPTS = 200  # to draw a config that keeps to the limits


class GridPoints:
    """The grid points of a search space that have not been tried yet, in order."""

    def __init__(self, space: Space) -> None:
        self._left = deque(grid(space))
        self._tried: set[frozenset[tuple[str, Scalar]]] = set()

    def mark_tried(self, values: Values) -> None:
        """Mark a trial's values as tried; values off the grid have no effect."""
        self._tried.add(frozenset(values.items()))

    def next(self) -> Values | None:
        """Return the first grid point not tried yet, or None if there is none."""
        while self._left and frozenset(self._left[0].items()) in self._tried:
            self._left.popleft()
        return self._left[0] if self._left else None


def distribution(path: str, dimension: Dimension) -> BaseDistribution:
    """Convert a search dimension to an Optuna distribution."""
    if isinstance(dimension, Choices):
        return CategoricalDistribution(tuple(dimension.choices))
    with warnings.catch_warnings():
        # A step that does not fit ends below the high end, as in a grid.
        warnings.filterwarnings("ignore", "The distribution is specified by", UserWarning)
        if is_integer(path):
            step = 1 if dimension.step is None else int(dimension.step)
            return IntDistribution(int(dimension.low), int(dimension.high), dimension.log, step)
        return FloatDistribution(
            float(dimension.low), float(dimension.high), dimension.log, dimension.step
        )


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Convert a search space to Optuna distributions, by path and without conditions."""
    return {path: distribution(path, dimension) for path, dimension in space.items()}


def suggest(trial: optuna.Trial, path: str, known: BaseDistribution) -> Scalar:
    """Value that the study's sampler suggests for one setting of a trial."""
    match known:
        case CategoricalDistribution():
            return trial.suggest_categorical(path, known.choices)
        case IntDistribution():
            return trial.suggest_int(path, known.low, known.high, step=known.step, log=known.log)
        case FloatDistribution():
            return trial.suggest_float(path, known.low, known.high, step=known.step, log=known.log)
    raise AssertionError(f"{path}: Optuna has three kinds of distributions")


class WithinLimits(BaseSampler):
    """Asks another sampler until a suggestion keeps to the limits, for a number of tries.

    Parameters
    ----------
    sampler : BaseSampler
        The one that is asked.
    space, distributions
        What is searched, and Optuna's form of it.
    allows : callable
        Whether the values of a trial keep to the limits.
    """

    def __init__(
        self,
        sampler: BaseSampler,
        space: Space,
        distributions: Mapping[str, BaseDistribution],
        allows: Allows,
    ) -> None:
        self._sampler, self._space, self._allows = sampler, space, allows
        self._distributions = distributions

    def infer_relative_search_space(
        self, _study: optuna.Study, _trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return dict(self._distributions)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, _space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        together = self._sampler.infer_relative_search_space(study, trial)
        for _ in range(MOST_ATTEMPTS):
            known = self._sampler.sample_relative(study, trial, together)
            values: Values = {}
            for path in ordered(self._space):
                if is_active(self._space[path], values):
                    values[path] = (
                        known[path]
                        if path in known
                        else self.sample_independent(study, trial, path, self._distributions[path])
                    )
            if self._allows(values):
                break
        return values

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> Any:
        return self._sampler.sample_independent(study, trial, name, distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._sampler.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._sampler.after_trial(study, trial, state, values)


class WithPrunedAsComplete(BaseSampler):
    """Shows a sampler the pruned trials as complete ones, with what they had come to.

    In a study with several objectives Optuna prunes nothing, and its TPE cannot rank pruned trials.
    A pruned one was behind others that cost no more: as it stood it is dominated, and counts so.
    """

    def __init__(self, sampler: BaseSampler) -> None:
        self._sampler = sampler
        self._shown: optuna.Study | None = None  # as it is while one trial is suggested

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        self._shown = optuna.create_study(
            storage=optuna.storages.InMemoryStorage(),
            directions=study.directions,
            sampler=self._sampler,
            pruner=optuna.pruners.NopPruner(),
        )
        count = len(study.directions) - 1
        trials = study.get_trials(deepcopy=False)
        self._shown.add_trials(_as_complete(each, count) for each in trials)
        return self._sampler.infer_relative_search_space(self._shown, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(self._shown or study, trial, space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> Any:
        return self._sampler.sample_independent(self._shown or study, trial, name, distribution)


def _as_complete(trial: FrozenTrial, count: int) -> FrozenTrial:
    if trial.state != TrialState.PRUNED:
        return trial
    shown = copy.copy(trial)
    costs = known_costs(trial, count)
    _, value = max(trial.intermediate_values.items(), default=(0, math.nan))
    if costs and not math.isnan(value):
        shown.state, shown.values = TrialState.COMPLETE, [value, *costs]
    shown.intermediate_values = {}
    return shown


def build_sampler(
    search: SearchConfig,
    epochs: int,
    number: int,
    learned: int,
    allows: Allows | None = None,
    parameters: ParametersOf | None = None,
) -> BaseSampler:
    """Sampler for one trial, all its options spelled out.

    Parameters
    ----------
    epochs : int
        The most that a trial may train.
    number : int
        The trial's: with the search's seed it decides what is drawn.
    learned : int
        How many trials are complete or pruned so far.
    allows : callable, optional
        Whether suggested values keep to the limits that are known before a training.
    parameters : callable, optional
        The formula for a network's size, where it is an aim.
    """
    if search.sampler == "gp" and learned < GP_TRIALS:
        return build_gp_sampler(search, epochs, number, allows, parameters)
    sampler = _optunas_sampler(search, _seed(search, number))
    if search.costs and search.sampler in ("gp", "tpe"):
        sampler = WithPrunedAsComplete(sampler)
    if allows is None:
        return sampler
    return WithinLimits(sampler, search.space, distributions(search.space), allows)


def build_gp_sampler(
    search: SearchConfig,
    epochs: int,
    number: int,
    allows: Allows | None = None,
    parameters: ParametersOf | None = None,
) -> GaussianProcessSampler:
    """Gaussian process of a search, for one trial; the parameters are as in `build_sampler`."""
    return GaussianProcessSampler(
        search.space,
        distributions(search.space),
        epochs,
        _seed(search, number),
        GP_STARTUP_TRIALS,
        allows,
        search.limits.seconds_per_epoch,
        search.costs,
        parameters,
    )


def _seed(search: SearchConfig, number: int) -> int:
    return (search.seed + number * 1_000_003) % 2**32


def _optunas_sampler(search: SearchConfig, seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        # TPE's group and multivariate options and QMC are marked experimental by Optuna.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match search.sampler:
            case "gp" | "tpe":
                return optuna.samplers.TPESampler(
                    n_startup_trials=TPE_STARTUP_TRIALS,
                    n_ei_candidates=24,
                    multivariate=True,
                    group=True,
                    constant_liar=True,
                    seed=seed,
                )
            case "random" | "grid":
                return optuna.samplers.RandomSampler(seed=seed)
            case "qmc":  # one sequence for the whole study: its seed is the study's
                return optuna.samplers.QMCSampler(
                    scramble=True,
                    seed=search.seed,
                    independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                    warn_independent_sampling=False,
                )
