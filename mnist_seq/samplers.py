"""Optuna's samplers, pruners and distributions, with every option spelled out.

Optuna's defaults change between versions; a search must not change with them.
"""

import warnings

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from mnist_seq.config import Choices, Dimension, SearchConfig
from mnist_seq.space import is_integer

# Random trials before TPE models: its usual ten would be half of a default sweep.
TPE_STARTUP_TRIALS = 8
REDUCTION_FACTOR = 3


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


def build_sampler(search: SearchConfig, number: int) -> BaseSampler:
    """Sampler for the trial of that number, all its options spelled out."""
    seed = (search.seed + number * 1_000_003) % 2**32
    with warnings.catch_warnings():
        # TPE's group and multivariate options, QMC and GP are marked experimental by Optuna.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match search.sampler:
            case "tpe":
                return optuna.samplers.TPESampler(
                    seed=seed,
                    n_startup_trials=TPE_STARTUP_TRIALS,
                    multivariate=True,
                    group=True,
                    constant_liar=True,
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
            case "gp":
                return optuna.samplers.GPSampler(seed=seed)
            case "cmaes":
                return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)


def build_pruner(search: SearchConfig, epochs: int) -> BasePruner:
    """Pruner for trials of at most that many epochs, all its options spelled out."""
    match search.pruner:
        case "hyperband":
            return optuna.pruners.HyperbandPruner(
                min_resource=1, max_resource=epochs, reduction_factor=REDUCTION_FACTOR
            )
        case "successive_halving":
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=1, reduction_factor=REDUCTION_FACTOR, min_early_stopping_rate=0
            )
        case "median":
            return optuna.pruners.MedianPruner(
                n_startup_trials=5, n_warmup_steps=1, interval_steps=1, n_min_trials=3
            )
        case "none":
            return optuna.pruners.NopPruner()
