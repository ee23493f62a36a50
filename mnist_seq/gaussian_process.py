"""Suggestions from a Gaussian process: after few trials it says where the better ones are.

What is modelled is the logarithm of a trial's error: from 2 % to 1 % is as far as from 20 % to
10 %. A trial that was given up counts with the error that it had then.
"""

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mnist_seq.config import Scalar
from mnist_seq.space import Space, Values, is_active, ordered

CANDIDATES = 500
LEAST_ERROR = 1e-4  # nothing has no logarithm
MARGIN = 1.5  # above the median, in the logarithm: beyond it all trials are equally bad
CHOSEN = 0.7  # two different choices are as far apart as the ends of a range: the root of 2 * 0.7^2
MIDDLE = 0.5  # of a range that has one value, or is not active
NOT_ACTIVE = object()

Numbers = NDArray[np.float64]


class Coordinates:
    """A space as a box: the values of a trial are a row of numbers in [0, 1].

    A range takes one column, and so do choices that are numbers, as ranks; other choices take one
    for each of them.

    Parameters
    ----------
    space : mapping of str to Dimension
        What is searched, with its conditions.
    distributions : mapping of str to BaseDistribution
        Optuna's form of it.
    """

    def __init__(self, space: Space, distributions: Mapping[str, BaseDistribution]) -> None:
        self._space = space
        self._distributions = {path: distributions[path] for path in ordered(space)}

    def rows(self, trials: Iterable[Mapping[str, Any]]) -> Numbers:
        """One row for each trial's values."""
        return np.array(
            [
                [
                    number
                    for path, distribution in self._distributions.items()
                    for number in _place(distribution, values.get(path, NOT_ACTIVE))
                ]
                for values in trials
            ]
        )

    def draw(self, rng: np.random.Generator) -> Values:
        """Values by chance: those of one trial, without settings that are not active."""
        values: Values = {}
        for path, distribution in self._distributions.items():
            chance = rng.random()
            if is_active(self._space[path], values):
                values[path] = _drawn(distribution, chance)
        return values


def _place(distribution: BaseDistribution, value: Any) -> list[float]:
    if isinstance(distribution, CategoricalDistribution):
        choices = distribution.choices
        numbers = sorted(
            choice
            for choice in choices
            if isinstance(choice, int | float) and not isinstance(choice, bool)
        )
        if len(numbers) < max(2, len(choices)):
            return [CHOSEN * (value == choice) for choice in choices]
        return [MIDDLE if value is NOT_ACTIVE else numbers.index(value) / (len(numbers) - 1)]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if value is NOT_ACTIVE or distribution.single():
        return [MIDDLE]
    scale = math.log if distribution.log else float
    low, high, here = scale(distribution.low), scale(distribution.high), scale(value)
    return [(here - low) / (high - low)]


def _drawn(distribution: BaseDistribution, chance: float) -> Scalar:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(chance * len(distribution.choices))]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    if distribution.log:
        half = 0.5 if isinstance(distribution, IntDistribution) else 0.0
        least, most = math.log(low - half), math.log(high + half)
        value = math.exp(least + chance * (most - least))
        value = round(value) if half else value
    elif step is None:
        value = low + chance * (high - low)
    else:
        value = low + step * int(chance * (round((high - low) / step) + 1))
    return min(max(value, low), high)


class GaussianProcessSampler(BaseSampler):
    """Of many candidates, the one with the largest expected improvement.

    Parameters
    ----------
    space, distributions
        What is searched, and Optuna's form of it.
    seed : int
        Of the candidates.
    n_startup_trials : int
        How many trials are drawn at random before any is modelled.
    """

    def __init__(
        self,
        space: Space,
        distributions: Mapping[str, BaseDistribution],
        seed: int,
        n_startup_trials: int,
    ) -> None:
        self._distributions = distributions
        self._coordinates = Coordinates(space, distributions)
        self._n_startup_trials = n_startup_trials
        self._rng = np.random.default_rng(seed)

    def infer_relative_search_space(
        self, _study: optuna.Study, _trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return dict(self._distributions)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, _space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        others = [
            other
            for other in study.get_trials(deepcopy=False)
            if other.params and other.number != trial.number
        ]
        over = [other for other in others if other.value is not None]
        if len(over) < self._n_startup_trials:
            return self._coordinates.draw(self._rng)
        running = [other for other in others if other.state == TrialState.RUNNING]
        candidates = [self._coordinates.draw(self._rng) for _ in range(CANDIDATES)]
        gain = expected_improvement(
            self._coordinates.rows(other.params for other in over),
            log_errors(over, study.direction == StudyDirection.MAXIMIZE),
            self._coordinates.rows(other.params for other in running),
            self._coordinates.rows(candidates),
        )
        return candidates[int(np.argmax(gain))]

    def sample_independent(
        self,
        _study: optuna.Study,
        _trial: FrozenTrial,
        _name: str,
        distribution: BaseDistribution,
    ) -> Scalar:
        # Active only because somebody has fixed another setting of this trial beforehand.
        return _drawn(distribution, self._rng.random())


def log_errors(trials: Sequence[FrozenTrial], maximize: bool) -> Numbers:
    """Logarithm of each trial's error or loss; those far above the median are all alike."""
    values = np.array([trial.value for trial in trials], dtype=float)
    errors = 1 - values if maximize else values
    logarithms = np.log(np.maximum(errors, LEAST_ERROR))
    clipped: Numbers = np.minimum(logarithms, np.median(logarithms) + MARGIN)
    return clipped


def expected_improvement(
    over: Numbers, results: Numbers, running: Numbers, candidates: Numbers
) -> Numbers:
    """How far below the best result each candidate is expected to come.

    Parameters
    ----------
    over, running, candidates : float64 arrays (trials, columns)
        Coordinates in [0, 1]. Trials that run are taken to come to what is predicted of them.
    results : float64 array (trials over,)
        The lower, the better.

    Returns
    -------
    float64 array (candidates,)
        In standard deviations of the results.

    References
    ----------
    Jones et al., "Efficient Global Optimization of Expensive Black-Box Functions", 1998, eq. 15;
    Ginsbourger et al., "Kriging Is Well-Suited to Parallelize Optimization", 2010, section 4.2.
    """
    from scipy.stats import norm
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    scaled = (results - results.mean()) / (results.std() or 1.0)
    # A setting's length: from a fifth of its range, where only neighbours are alike, to ten times,
    # where it does not matter. The noise: what the seed of the weights does to a result.
    kernel = Matern(np.ones(over.shape[1]), (0.2, 10), nu=2.5) + WhiteKernel(0.01, (1e-4, 0.3))
    with warnings.catch_warnings():
        # Said of a length or a noise that is at the end of its bounds.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianProcessRegressor(kernel).fit(over, scaled)
    if len(running):
        known = np.concatenate([over, running])
        believed = np.concatenate([scaled, model.predict(running)])
        model = GaussianProcessRegressor(model.kernel_, optimizer=None).fit(known, believed)
    mean, deviation = model.predict(candidates, return_std=True)
    gap = scaled.min() - mean
    improvement: Numbers = gap * norm.cdf(gap / deviation) + deviation * norm.pdf(gap / deviation)
    return improvement
