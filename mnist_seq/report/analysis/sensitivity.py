"""What changing hyperparameters around a chosen config has shown, with its errors.

The spread over seeds is pooled over all configs, as a share of the error: two seeds of one config
say little about it, two seeds of twenty say enough.

References
----------
Tukey's honestly significant difference, with Kramer's change for unequal numbers of seeds: of all
values of one hyperparameter, which differ by more than luck explains, 19 times in 20.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.settings import Objective, Scalar, scalar_text
from mnist_seq.errors import TrainingError

Numbers = NDArray[np.float64]
CONFIDENCE = 0.95
LEAST_LOSS = 1e-9  # zero has no logarithm
LEAST_NOISE = 1e-9  # few images may give all seeds the same value


@dataclass(frozen=True, eq=False)
class Measurements:
    """Values of N configs, the chosen one first, each trained with R seeds.

    Attributes
    ----------
    objective : str
        ``validation_accuracy`` or ``validation_loss``.
    validation_images : int
        On how many images each value was measured.
    values_NR : float64, shape (N, R)
        NaN where a training failed.

    Raises
    ------
    TrainingError
        If all trainings of the chosen config have failed, or no config has two values.
    """

    objective: Objective
    validation_images: int
    values_NR: Numbers

    def __post_init__(self) -> None:
        counts = self.counts
        if counts[0] == 0:
            raise TrainingError("all trainings of the chosen config ended without a result")
        if counts.max() < 2:
            raise TrainingError("no config has two seeds that ended with a result")

    @property
    def maximised(self) -> bool:
        return self.objective == "validation_accuracy"

    @property
    def seeds(self) -> int:
        """How many seeds each config was trained with."""
        return int(self.values_NR.shape[1])

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many seeds of each config did not fail."""
        return np.asarray(np.isfinite(self.values_NR).sum(axis=1))

    @cached_property
    def log_errors(self) -> Numbers:
        """Natural logarithms of the errors; an error of zero counts as half an image wrong."""
        errors_NR = 1 - self.values_NR if self.maximised else self.values_NR
        return np.asarray(np.log(np.maximum(errors_NR, self._least_error)))

    @property
    def _least_error(self) -> float:
        return 0.5 / self.validation_images if self.maximised else LEAST_LOSS

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the noise."""
        return int(np.maximum(self.counts - 1, 0).sum())

    @cached_property
    def noise(self) -> float:
        """Standard deviation of a log error over seeds, pooled over all configs."""
        known = self.log_errors[self.counts > 1]
        squares = np.nansum((known - np.nanmean(known, axis=1, keepdims=True)) ** 2)
        return max(math.sqrt(squares / self.freedom), LEAST_NOISE)

    def standard_error(self, mean: float, seeds: int) -> float:
        """Standard error of a mean value over some seeds: the noise is a share of the error."""
        error = max(1 - mean if self.maximised else mean, self._least_error)
        return error * self.noise / math.sqrt(seeds)


@dataclass(frozen=True, eq=False)
class ResponseCurve:
    """Measured values over V values of one hyperparameter, all else as chosen.

    Attributes
    ----------
    values : tuple
        The hyperparameter's, in their order.
    chosen : int
        Place of the chosen one.
    mean_V : float64, shape (V,)
        Mean over the seeds.
    error_V : float64, shape (V,)
        Standard error of the mean.
    log_V, log_error_V : float64, shape (V,)
        Mean log error, and its standard error.
    seeds : list of float64
        What each seed gave, by value.
    least : float
        How many standard errors of a difference, at least, are no luck.
    failed : tuple
        Values of which every training failed.
    """

    path: str
    values: tuple[Scalar, ...]
    chosen: int
    mean_V: Numbers
    error_V: Numbers
    log_V: Numbers
    log_error_V: Numbers
    seeds: list[Numbers]
    least: float
    failed: tuple[Scalar, ...]

    @property
    def best(self) -> int:
        return int(self.log_V.argmin())

    @property
    def worst(self) -> int:
        return int(self.log_V.argmax())

    @property
    def effect(self) -> tuple[float, float]:
        """Difference between the best and the worst mean, and its standard error."""
        return self.difference(self.best, self.worst)

    @property
    def is_significant(self) -> bool:
        """Whether its best and its worst value differ by more than luck explains."""
        return self.differ(self.best, self.worst)

    @property
    def is_ordered(self) -> bool:
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)

    def differ(self, a: int, b: int) -> bool:
        """Whether two values differ by more than luck explains."""
        error = float(np.hypot(self.log_error_V[a], self.log_error_V[b]))
        return abs(float(self.log_V[a] - self.log_V[b])) > self.least * error

    def difference(self, a: int, b: int) -> tuple[float, float]:
        """How far two means lie apart, and the standard error of that."""
        apart = abs(float(self.mean_V[a] - self.mean_V[b]))
        return apart, float(np.hypot(self.error_V[a], self.error_V[b]))


def values_csv(
    measured: Measurements, changes: Sequence[Mapping[str, Scalar]], first_seed: int
) -> str:
    """Every value as the text of a CSV file, a line a training; empty cells are as chosen.

    Parameters
    ----------
    changes : sequence of mapping
        In what each config differs from the chosen one.
    first_seed : int
        The others follow it.
    """
    import pandas as pd

    paths = list(dict.fromkeys(path for changed in changes for path in changed))
    rows = [
        {path: scalar_text(value) for path, value in changed.items()}
        | {"seed": seed, measured.objective: value}
        for changed, values_R in zip(changes, measured.values_NR, strict=True)
        for seed, value in enumerate(values_R, first_seed)
    ]
    table = pd.DataFrame(rows, columns=[*paths, "seed", measured.objective])
    return table.to_csv(index=False, lineterminator="\n")


def response_curve(
    measured: Measurements, path: str, points: Sequence[tuple[Scalar, int]]
) -> ResponseCurve:
    """Response to one hyperparameter.

    Parameters
    ----------
    points : sequence of (value, int)
        Its values, each with the place of its config.
    """
    known = [(value, row) for value, row in points if measured.counts[row]]
    rows = [row for _, row in known]
    log_error_V = measured.noise / np.sqrt(measured.counts[rows])
    mean_V = np.nanmean(measured.values_NR[rows], axis=1)
    error_V = np.array(
        [
            measured.standard_error(mean, count)
            for mean, count in zip(mean_V, measured.counts[rows], strict=True)
        ]
    )
    return ResponseCurve(
        path,
        tuple(value for value, _ in known),
        rows.index(0),
        mean_V,
        error_V,
        np.nanmean(measured.log_errors[rows], axis=1),
        log_error_V,
        [values_R[np.isfinite(values_R)] for values_R in measured.values_NR[rows]],
        _least_difference(len(rows), measured.freedom),
        tuple(value for value, row in points if not measured.counts[row]),
    )


@cache
def _least_difference(values: int, freedom: int) -> float:
    """Standard errors by which two of some values must differ, by Tukey's test."""
    from scipy.stats import studentized_range

    if values < 2:
        return 0.0
    return float(studentized_range.ppf(CONFIDENCE, values, freedom)) / math.sqrt(2)
