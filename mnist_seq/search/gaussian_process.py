"""A Gaussian-process sampler for Optuna: the candidate with the largest expected improvement.

It models the logarithm of a trial's error: from 2 % to 1 % is as far as from 20 % to 10 %. A pruned
or running trial counts with its error so far; the share of its epochs that were trained is one more
coordinate, which is 1 for a candidate.
"""

import math
import warnings
from collections.abc import Iterable, Mapping
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

from mnist_seq.config import Scalar, Values
from mnist_seq.search.space import Space, is_active, ordered

CANDIDATES = 500
LEAST_ERROR = 1e-4  # zero has no logarithm
MARGIN = 1.5  # above the median, in the logarithm: beyond it all trials are equally bad
CHOSEN = 0.7  # two different choices are as far apart as the ends of a range: the root of 2 * 0.7^2
MIDDLE = 0.5  # the code of a range that has one value or is not active
NOT_ACTIVE = object()

Numbers = NDArray[np.float64]


class Coordinates:
    """Encodes the values of trials as rows of numbers in [0, 1].

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
        """Encode the values of trials as an array, one row per trial."""
        return np.array(
            [
                [
                    number
                    for path, distribution in self._distributions.items()
                    for number in _encode(distribution, values.get(path, NOT_ACTIVE))
                ]
                for values in trials
            ]
        )

    def draw(self, rng: np.random.Generator) -> Values:
        """Draw random values for one trial, of its active settings only."""
        values: Values = {}
        for path, distribution in self._distributions.items():
            chance = rng.random()
            if is_active(self._space[path], values):
                values[path] = _random_value(distribution, chance)
        return values


def _encode(distribution: BaseDistribution, value: Any) -> list[float]:
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


def _random_value(distribution: BaseDistribution, chance: float) -> Scalar:
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
    """Suggests, of many random candidates, the one with the largest expected improvement.

    Parameters
    ----------
    space, distributions
        What is searched, and Optuna's form of it.
    epochs : int
        Epochs of a trial where they are not searched.
    seed : int
        Seed of the random candidates.
    n_startup_trials : int
        How many trials must have ended before the model is used; until then all are random.

    References
    ----------
    Kandasamy et al., "Multi-fidelity Bayesian Optimisation with Continuous Approximations", ICML
    2017, section 3: how far a training came as a coordinate.
    """

    def __init__(
        self,
        space: Space,
        distributions: Mapping[str, BaseDistribution],
        epochs: int,
        seed: int,
        n_startup_trials: int,
    ) -> None:
        self._distributions = distributions
        self._epochs = epochs
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
        running = [other for other in others if other.state == TrialState.RUNNING]
        observed = [(other, point) for other in others if (point := self._progress_of(other))]
        if sum(other.state != TrialState.RUNNING for other, _ in observed) < self._n_startup_trials:
            return self._coordinates.draw(self._rng)
        candidates = [self._coordinates.draw(self._rng) for _ in range(CANDIDATES)]
        shares, values = np.array([point for _, point in observed]).T
        gain = expected_improvement(
            self._rows((other.params for other, _ in observed), shares),
            log_errors(values, study.direction == StudyDirection.MAXIMIZE),
            self._rows((other.params for other in running), np.ones(len(running))),
            self._rows(candidates, np.ones(CANDIDATES)),
        )
        return candidates[int(np.argmax(gain))]

    def _progress_of(self, trial: FrozenTrial) -> tuple[float, float] | None:
        """Return the trained share of a trial's epochs and its last value, or None without one."""
        if trial.state == TrialState.COMPLETE:
            assert trial.value is not None
            return 1.0, trial.value
        if trial.state == TrialState.FAIL or not trial.intermediate_values:
            return None
        epoch, value = max(trial.intermediate_values.items())
        epochs = trial.params.get("training.epochs", self._epochs)
        return None if math.isnan(value) else (epoch / epochs, value)

    def _rows(self, trials: Iterable[Mapping[str, Any]], shares: Numbers) -> Numbers:
        """Encode trials, with 1 + log10 of their trained share of epochs as the last column."""
        return np.column_stack([self._coordinates.rows(trials), 1 + np.log10(shares)])

    def sample_independent(
        self,
        _study: optuna.Study,
        _trial: FrozenTrial,
        _name: str,
        distribution: BaseDistribution,
    ) -> Scalar:
        # Active only because somebody has fixed another setting of this trial beforehand.
        return _random_value(distribution, self._rng.random())


def log_errors(values: Numbers, maximize: bool) -> Numbers:
    """Logarithm of each trial's error or loss, clipped above the median plus `MARGIN`."""
    errors = 1 - values if maximize else values
    logarithms = np.log(np.maximum(errors, LEAST_ERROR))
    clipped: Numbers = np.minimum(logarithms, np.median(logarithms) + MARGIN)
    return clipped


def expected_improvement(
    known: Numbers, results: Numbers, running: Numbers, candidates: Numbers
) -> Numbers:
    """Expected improvement of each candidate over the best result.

    Parameters
    ----------
    known, running, candidates : float64 arrays (trials, columns)
        Coordinates. Running trials are given the results predicted for them.
    results : float64 array (known trials,)
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
    kernel = Matern(np.ones(known.shape[1]), (0.2, 10), nu=2.5) + WhiteKernel(0.01, (1e-4, 0.3))
    with warnings.catch_warnings():
        # Said of a length or a noise that is at the end of its bounds.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianProcessRegressor(kernel).fit(known, scaled)
    if len(running):
        believed = np.concatenate([scaled, model.predict(running)])
        known = np.concatenate([known, running])
        model = GaussianProcessRegressor(model.kernel_, optimizer=None).fit(known, believed)
    mean, deviation = model.predict(candidates, return_std=True)
    gap = scaled.min() - mean
    improvement: Numbers = gap * norm.cdf(gap / deviation) + deviation * norm.pdf(gap / deviation)
    return improvement
