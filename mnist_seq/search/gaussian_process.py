"""A Gaussian-process sampler for Optuna: the candidate with the largest expected improvement.

It models the logarithm of a trial's error: from 2 % to 1 % is as far as from 20 % to 10 %. A pruned
or running trial counts with its error so far; the share of its epochs that were trained is one more
coordinate, which is 1 for a candidate.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mnist_seq.config.settings import Cost, Scalar, Values
from mnist_seq.search.aims import known_costs
from mnist_seq.search.expected_improvement import (
    Numbers,
    chance_below,
    expected_gain,
    expected_hypervolume_improvement,
    expected_improvement,
    log_errors,
    predicted,
)
from mnist_seq.search.finished_trial import FINAL_STATES, finished_trial
from mnist_seq.search.limits import Allows, ParametersOf
from mnist_seq.search.space import Space, is_active, ordered

CANDIDATES = 500
MOST_DRAWS = 5_000  # to find them within limits
CHOSEN = 0.7  # two different choices are as far apart as the ends of a range: the root of 2 * 0.7^2
MIDDLE = 0.5  # the code of a range that has one value or is not active
NOT_ACTIVE = object()


class SearchSpaceEncoder:
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

    def encode(self, trials: Iterable[Mapping[str, Any]]) -> Numbers:
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
    allows : callable, optional
        Whether values keep to the limits known before a training: others are no candidates.
    most_seconds : float, optional
        Limit of a trial's first epoch; whether a candidate keeps to it is modelled as well.
    costs : sequence of str
        The aims beside the first: then a candidate's expected improvement is that of the volume
        which the Pareto front dominates, in the logarithms of error and costs.
    parameters : callable, optional
        The formula for a network's size, where that is an aim; seconds are modelled.

    References
    ----------
    Gardner et al., "Bayesian Optimization with Inequality Constraints", ICML 2014, eq. 6: the
    expected improvement, times the probability that the limit is kept.
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
        allows: Allows | None = None,
        most_seconds: float | None = None,
        costs: Sequence[Cost] = (),
        parameters: ParametersOf | None = None,
    ) -> None:
        self._distributions = distributions
        self._epochs = epochs
        self._encoder = SearchSpaceEncoder(space, distributions)
        self._n_startup_trials = n_startup_trials
        self._allows, self._most_seconds = allows, most_seconds
        self._costs, self._parameters = costs, parameters
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
        timed = self._timed(others)
        if sum(other.state != TrialState.RUNNING for other, _ in observed) < self._n_startup_trials:
            if not timed:
                return self._candidates(1)[0]
            candidates = self._candidates(CANDIDATES)
            chance = self._chance_to_keep(timed, candidates)
            # The first that a draw accepts: the likelier it keeps to the limit, the likelier.
            return candidates[int(np.argmax(chance >= self._rng.random() * chance.max()))]
        candidates = self._candidates(CANDIDATES)
        shares, values = np.array([point for _, point in observed]).T
        known = self._rows((other.params for other, _ in observed), shares)
        results = log_errors(values, study.directions[0] == StudyDirection.MAXIMIZE)
        believed = self._rows((other.params for other in running), np.ones(len(running)))
        rows = self._rows(candidates, np.ones(len(candidates)))
        feasible = np.array([is_feasible(other) for other, _ in observed])
        if self._costs:
            costs = np.log([known_costs(other, len(self._costs)) or () for other, _ in observed])
            gain = expected_hypervolume_improvement(
                known,
                results,
                costs,
                believed,
                rows,
                self._costs_of_candidates(candidates, [other for other, _ in observed], costs),
                feasible,
            )
        else:
            gain = expected_improvement(known, results, believed, rows, feasible)
        return candidates[int(np.argmax(gain * self._chance_to_keep(timed, candidates)))]

    def _costs_of_candidates(
        self, candidates: Sequence[Values], known: Sequence[FrozenTrial], known_costs: Numbers
    ) -> Numbers:
        """Logarithms of each candidate's costs: by formula, or predicted from the known ones."""
        columns = []
        for place, cost in enumerate(self._costs):
            if cost == "parameters" and self._parameters is not None:
                counts = map(self._parameters, candidates)
                columns.append(np.log([math.inf if n is None else n for n in counts]))
            else:
                rows = self._encoder.encode(trial.params for trial in known)
                to = self._encoder.encode(candidates)
                columns.append(predicted(rows, known_costs[:, place], to))
        return np.column_stack(columns)

    def expected_gain(self, study: optuna.Study, count: int) -> float | None:
        """Expected gain of the best value from the next trials; None while nothing is modelled.

        Parameters
        ----------
        study : optuna.Study
            Its objective is an accuracy.
        count : int
            How many trials, each at the candidate of the largest expected improvement.

        Returns
        -------
        float
            As a fraction in [0, 1], of what would be measured: with its noise.
        """
        others = [other for other in study.get_trials(deepcopy=False) if other.params]
        running = [other for other in others if other.state == TrialState.RUNNING]
        observed = [
            (other, point)
            for other in others
            if other.state != TrialState.RUNNING and (point := self._progress_of(other))
        ]
        feasible = np.array([is_feasible(other) for other, _ in observed], bool)
        if sum(feasible) < self._n_startup_trials:
            return None
        shares, values = np.array([point for _, point in observed]).T
        candidates = self._candidates(CANDIDATES)
        return expected_gain(
            self._rows((other.params for other, _ in observed), shares),
            values,
            self._rows((other.params for other in running), np.ones(len(running))),
            self._rows(candidates, np.ones(len(candidates))),
            feasible,
            self._chance_to_keep(self._timed(others), candidates),
            count,
            self._rng,
        )

    def _candidates(self, count: int) -> list[Values]:
        """Random values that the limits allow; a random one where none is found."""
        if self._allows is None:
            return [self._encoder.draw(self._rng) for _ in range(count)]
        found: list[Values] = []
        for _ in range(MOST_DRAWS):
            drawn = self._encoder.draw(self._rng)
            if self._allows(drawn):
                found.append(drawn)
            if len(found) == count:
                break
        return found or [drawn]

    def _timed(self, trials: Iterable[FrozenTrial]) -> list[tuple[FrozenTrial, float]]:
        """Return ended trials with their first epoch's seconds; none if seconds are not limited."""
        if self._most_seconds is None:
            return []
        ended = [trial for trial in trials if trial.state in FINAL_STATES]
        curves = [(trial, finished_trial(trial).records) for trial in ended]
        return [(trial, curve[0]["seconds"]) for trial, curve in curves if curve]

    def _chance_to_keep(
        self, timed: Sequence[tuple[FrozenTrial, float]], candidates: Sequence[Values]
    ) -> Numbers:
        """Probability that each candidate keeps to the limit of seconds."""
        if not timed or self._most_seconds is None:
            return np.ones(len(candidates))
        return chance_below(
            self._encoder.encode(trial.params for trial, _ in timed),
            np.log([seconds for _, seconds in timed]),
            math.log(self._most_seconds),
            self._encoder.encode(candidates),
        )

    def _progress_of(self, trial: FrozenTrial) -> tuple[float, float] | None:
        """Return the trained share of a trial's epochs and its last value, or None without one."""
        if trial.state == TrialState.COMPLETE:
            return 1.0, trial.values[0]
        if trial.state == TrialState.FAIL or not trial.intermediate_values:
            return None
        if known_costs(trial, len(self._costs)) is None:
            return None
        epoch, value = max(trial.intermediate_values.items())
        epochs = trial.params.get("training.epochs", self._epochs)
        return None if math.isnan(value) else (epoch / epochs, value)

    def _rows(self, trials: Iterable[Mapping[str, Any]], shares: Numbers) -> Numbers:
        """Encode trials, with 1 + log10 of their trained share of epochs as the last column."""
        return np.column_stack([self._encoder.encode(trials), 1 + np.log10(shares)])

    def sample_independent(
        self,
        _study: optuna.Study,
        _trial: FrozenTrial,
        _name: str,
        distribution: BaseDistribution,
    ) -> Scalar:
        # Active only because somebody has fixed another setting of this trial beforehand.
        return _random_value(distribution, self._rng.random())


def is_feasible(trial: FrozenTrial) -> bool:
    """Whether no limit is known to be broken by a trial."""
    return all(violation <= 0 for violation in trial.constraints.values())
