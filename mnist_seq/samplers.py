"""Who suggests the next trial: our own or Optuna's samplers, with every option spelled out.

Optuna's defaults change between versions; a search must not change with them.
"""

import warnings
from collections import deque

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler

from mnist_seq.config import Choices, Dimension, Scalar, SearchConfig
from mnist_seq.gaussian_process import GaussianProcessSampler
from mnist_seq.space import Space, Values, grid, is_integer
from mnist_seq.tpe import History, RememberingTPE

# Random trials before TPE models: its usual ten would be half of a default sweep.
TPE_STARTUP_TRIALS = 8
GP_STARTUP_TRIALS = 4
# Then TPE goes on: a Gaussian process takes the cube of the trials, a tenth of a second by then.
GP_TRIALS = 100


class Points:
    """The points of a grid, in order, without those that were tried."""

    def __init__(self, space: Space) -> None:
        self._left = deque(grid(space))
        self._tried: set[frozenset[tuple[str, Scalar]]] = set()

    def tried(self, values: Values) -> None:
        """Note the values of a trial; they need not be a point."""
        self._tried.add(frozenset(values.items()))

    def next(self) -> Values | None:
        """The first that is left, or None."""
        while self._left and frozenset(self._left[0].items()) in self._tried:
            self._left.popleft()
        return self._left[0] if self._left else None


def distribution(path: str, dimension: Dimension) -> BaseDistribution:
    """Optuna's form of a dimension."""
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
    """Optuna's form of a space, without its conditions."""
    return {path: distribution(path, dimension) for path, dimension in space.items()}


def build_sampler(search: SearchConfig, epochs: int, history: History, number: int) -> BaseSampler:
    """Sampler for the trial of that number, all its options spelled out.

    Parameters
    ----------
    epochs : int
        The most that a trial may train.
    history : History
        The trials so far, for TPE and for when it takes over; other samplers read the study.
    """
    seed = (search.seed + number * 1_000_003) % 2**32
    with warnings.catch_warnings():
        # TPE's group and multivariate options and QMC are marked experimental by Optuna.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match search.sampler:
            case "gp" if len(history) < GP_TRIALS:
                return GaussianProcessSampler(
                    search.space, distributions(search.space), epochs, seed, GP_STARTUP_TRIALS
                )
            case "gp" | "tpe":
                return RememberingTPE(history, seed=seed, n_startup_trials=TPE_STARTUP_TRIALS)
            case "random" | "grid":
                return optuna.samplers.RandomSampler(seed=seed)
            case "qmc":  # one sequence for the whole study: its seed is the study's
                return optuna.samplers.QMCSampler(
                    scramble=True,
                    seed=search.seed,
                    independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                    warn_independent_sampling=False,
                )
