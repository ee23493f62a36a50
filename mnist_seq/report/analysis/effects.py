"""What each hyperparameter does to the error after a whole training, with a 90 % band.

References
----------
Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29
(2001), section 8.2: partial dependence, here on the logarithm of the error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mnist_seq.config.search import Choices
from mnist_seq.report.analysis.coordinates import Settings
from mnist_seq.report.analysis.hyperparameters import Hyperparameter
from mnist_seq.report.analysis.one_thread import in_one_thread
from mnist_seq.report.analysis.response_model import Numbers
from mnist_seq.report.analysis.study_model import StudyModel, after_training, study_model
from mnist_seq.report.analysis.tables import StudyTables

WITHIN_90_PERCENT = 1.645  # standard deviations of a normal distribution
# Standard deviations from which on a difference is significant. The two values are chosen as the
# furthest apart: at 2 of them, 3 of 480 without effect were said to have one.
SIGNIFICANT = 2.0
SAME = 0.05  # errors that differ by less than this share are called the same
MOST_AVERAGED = 40  # trials
DRAWS = 4000
COPIES_OF_THE_BEST = 10  # each with another value of what a change makes active


@dataclass(frozen=True)
class Response:
    """Predicted error over G values of a hyperparameter.

    Attributes
    ----------
    log_error : float64, shape (G,)
        Natural logarithm of the error (or of the loss).
    covariance : float64, shape (G, G)
        Of the model and over bootstrap samples of the trials together.
    largest : float
        What an error can be at most: 1 if it is a share of images, infinity if it is a loss.
    """

    log_error: Numbers
    covariance: Numbers
    largest: float = math.inf

    @property
    def error(self) -> Numbers:
        """The predicted error, shape (G,)."""
        return self._error(self.log_error)

    @property
    def band(self) -> tuple[Numbers, Numbers]:
        """The 90 % band of the error, as (low, high)."""
        half = WITHIN_90_PERCENT * np.sqrt(np.diag(self.covariance))
        return self._error(self.log_error - half), self._error(self.log_error + half)

    def deviations(self, worse: int, better: int) -> float:
        """How many standard deviations the log errors at two values lie apart."""
        gap = float(self.log_error[worse] - self.log_error[better])
        return gap / math.sqrt(max(self._variance_of_gap(worse, better), 1e-18))

    def most_apart(self, worse: int, better: int) -> float:
        """Upper end of the 90 % interval of the difference of two log errors."""
        gap = float(self.log_error[worse] - self.log_error[better])
        return gap + WITHIN_90_PERCENT * math.sqrt(self._variance_of_gap(worse, better))

    def fall(self, worse: int, better: int) -> tuple[float, float, float]:
        """How much lower the error is at the better value, as (low, mean, high) of 90 %."""
        both = [worse, better]
        drawn = np.random.default_rng(0).multivariate_normal(
            self.log_error[both], self.covariance[np.ix_(both, both)], DRAWS
        )
        errors = self._error(drawn)
        low, high = np.quantile(errors[:, 0] - errors[:, 1], [0.05, 0.95])
        return float(low), float(self.error[worse] - self.error[better]), float(high)

    def _error(self, log_error: Numbers) -> Numbers:
        return np.minimum(np.exp(log_error), self.largest)

    def _variance_of_gap(self, first: int, second: int) -> float:
        c = self.covariance
        return max(float(c[first, first] + c[second, second] - 2 * c[first, second]), 0.0)


@dataclass(frozen=True)
class Effect:
    """The predicted effect of one hyperparameter.

    Attributes
    ----------
    hyperparameter : Hyperparameter
        Which.
    positions : float64, shape (G,)
        Its values, as positions on its axis, ascending.
    compared : list of int
        Places of those that are compared with each other; the rest lies between them.
    at_best : Response
        All other settings as in the best trial.
    on_average : float64, shape (G,)
        Predicted errors, averaged over the other settings of all trials.
    """

    hyperparameter: Hyperparameter
    positions: Numbers
    compared: list[int]
    at_best: Response
    on_average: Numbers

    @property
    def best(self) -> int:
        """Index of the value with the lowest error around the best trial."""
        return min(self.compared, key=lambda place: self.at_best.log_error[place])

    @property
    def worst(self) -> int:
        return max(self.compared, key=lambda place: self.at_best.log_error[place])

    @property
    def better(self) -> int:
        """Index of the first value, from the worst one on, that is as good as the best."""
        if not self.hyperparameter.ordered:
            return self.best
        errors = self.at_best.error
        way = self.compared[:: 1 if self.best > self.worst else -1]
        way = way[way.index(self.worst) :]
        return next(k for k in way if errors[k] <= (1 + SAME) * errors[self.best])

    @property
    def is_significant(self) -> bool:
        """Whether the best and worst values differ by more than the model's uncertainty."""
        return self.at_best.deviations(self.worst, self.best) > SIGNIFICANT


@lru_cache(maxsize=2)
@in_one_thread
def effects(tables: StudyTables) -> dict[str, Effect]:
    """The effects of the hyperparameters that differ between trials, by path; {} if too few."""
    fitted, best = study_model(tables), tables.best
    if fitted is None or best is None:
        return {}
    at_best = fitted.encoder.active(best.settings)
    chosen = np.linspace(0, len(fitted.trials) - 1, min(len(fitted.trials), MOST_AVERAGED))
    trials = [fitted.trials[round(index)] for index in chosen]
    return {h.path: _effect(fitted, h, at_best, trials) for h in fitted.searched}


@in_one_thread
def response_at(tables: StudyTables, path: str, positions: Numbers) -> Response:
    """Predicted error at some values of a varied hyperparameter, all else as in the best trial."""
    fitted, best = study_model(tables), tables.best
    assert fitted is not None  # the path comes from its effects
    assert best is not None
    h = next(h for h in fitted.searched if h.path == path)
    at_best = fitted.encoder.active(best.settings)
    return _response(fitted, h, positions, [at_best] * COPIES_OF_THE_BEST)


@in_one_thread
def predicted_error(
    tables: StudyTables, pair: tuple[Hyperparameter, Hyperparameter], x: Numbers, y: Numbers
) -> Numbers:
    """Predicted error over two hyperparameters, all else as in the best trial: shape (y, x)."""
    fitted, best = study_model(tables), tables.best
    assert fitted is not None  # the pair comes from this model
    assert best is not None
    at_best, (first, second) = fitted.encoder.active(best.settings), pair
    change = fitted.encoder.changed
    cells = [
        change(change([at_best], first.path, first.value(i)), second.path, second.value(j))[0]
        for j in y
        for i in x
    ]
    points = after_training(fitted.encoder.encode(cells))
    errors = np.minimum(np.exp(fitted.model.mean(points)), fitted.largest_error)
    return np.asarray(errors.reshape(len(y), len(x)))


def _effect(
    fitted: StudyModel, h: Hyperparameter, at_best: Settings, trials: Sequence[Settings]
) -> Effect:
    compared, largest = _compared(h), fitted.largest_error
    positions = np.union1d(compared, _between(h, compared))
    return Effect(
        h,
        positions,
        [int(place) for place in np.searchsorted(positions, compared)],
        _response(fitted, h, positions, [at_best] * COPIES_OF_THE_BEST),
        np.minimum(np.exp(fitted.means(_variants(fitted, h, positions, trials))), largest),
    )


def _compared(h: Hyperparameter) -> Numbers:
    """Positions of all choices, or of round values spread over a range, ends included."""
    if isinstance(h.dimension, Choices):
        return np.arange(len(h.categories), dtype=float)
    return np.array([h.position(value) for value in h.dimension.spread(whole=h.whole)])


def _between(h: Hyperparameter, compared: Numbers) -> Numbers:
    """Positions halfway between neighbours, where a curve is drawn through; choices have none."""
    if h.categories:
        return compared[:0]
    halfway = (compared[1:] + compared[:-1]) / 2
    if not h.whole:
        return halfway
    return np.array([h.position(h.value(p)) for p in halfway])


def _response(
    fitted: StudyModel, hyperparameter: Hyperparameter, positions: Numbers, base: Sequence[Settings]
) -> Response:
    variants = _variants(fitted, hyperparameter, positions, base)
    return Response(*fitted.averages(variants), fitted.largest_error)


def _variants(
    fitted: StudyModel, hyperparameter: Hyperparameter, positions: Numbers, base: Sequence[Settings]
) -> list[list[Settings]]:
    """The same settings with each value of a hyperparameter."""
    return [
        fitted.encoder.changed(base, hyperparameter.path, hyperparameter.value(float(position)))
        for position in positions
    ]
