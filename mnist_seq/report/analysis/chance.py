"""Statistical noise in a search: error of an accuracy, lead by chance, expected best."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_seq.metrics.classification import accuracy_standard_error
from mnist_seq.report.analysis.tables import StudyTables

QUANTILE = 0.95  # what luck stays below in 19 of 20 searches


@dataclass(frozen=True)
class Lead:
    """Accuracies of the best trial and the baseline, their errors, and the lead by chance.

    `luck` is what the best of as many trials, all as good as the baseline, stays below in 19 of
    20 searches; only the binomial error of the validation images is in it.
    """

    accuracy: float
    error: float
    baseline_accuracy: float
    baseline_error: float
    luck: float

    @property
    def difference(self) -> float:
        return self.accuracy - self.baseline_accuracy

    @property
    def difference_error(self) -> float:
        return float(np.hypot(self.error, self.baseline_error))


def lead(tables: StudyTables) -> Lead | None:
    """Compare the best trial's accuracy with the baseline's; None if that is not possible.

    There is none if the baseline is missing, is itself the best, or was pruned: after fewer epochs
    than it was meant to have, it is no yardstick.
    """
    best, baseline = tables.best, tables.baseline
    if best is None or baseline is None or best.number == baseline.number:
        return None
    if best.accuracy is None or baseline.accuracy is None or baseline.state == "pruned":
        return None
    images = tables.validation_images
    error = accuracy_standard_error(baseline.accuracy, images)
    return Lead(
        best.accuracy,
        accuracy_standard_error(best.accuracy, images),
        baseline.accuracy,
        error,
        lead_by_luck(max(len(tables.scored) - 1, 1), error),
    )


def lead_by_luck(trials: int, error: float) -> float:
    """95 % quantile of the best trial's lead if all trials truly equal the baseline.

    Were every trial exactly as good as the baseline, each measured with the same normal error,
    the best would still lead, and the more trials the further. This is the quantile of that lead.

    Parameters
    ----------
    trials : int
        How many were tried beside the baseline; at least 1.
    error : float
        Standard error of one measured value.

    Returns
    -------
    float
        The t at which the integral of phi(z) Phi(t / error + z)**trials over z is 0.95.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    z = np.linspace(-6, 6, 121)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    def excess(lead: float) -> float:
        return float(0.1 * density @ ndtr(lead + z) ** trials) - QUANTILE

    return error * float(brentq(excess, 0, 16))


def expected_best(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected maximum of k values drawn without replacement, for each k from 1 to N.

    Parameters
    ----------
    values : float, shape (N,)
        At least one.

    Returns
    -------
    float, shape (N,)
        The sum over the ascending values x_i of x_i times (C(i, k) - C(i - 1, k)) / C(N, k).
    """
    ascending = np.sort(values)
    count = len(ascending)
    rank = np.arange(count + 1.0)  # how many values are at most x_i
    share_below = np.ones(count + 1)
    best = []
    for k in range(count):
        share_below = share_below * np.maximum(rank - k, 0) / (count - k)
        best.append(float(np.diff(share_below) @ ascending))
    return np.asarray(best)
