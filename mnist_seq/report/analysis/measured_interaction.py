"""Whether two hyperparameters act together, from a grid of trainings.

References
----------
Fisher's two-way analysis of variance: what a grid of means has beyond a sum of its rows' and its
columns' effects, against the noise of a mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_seq.config.settings import Scalar
from mnist_seq.report.analysis.sensitivity import Measurements, Numbers


@dataclass(frozen=True, eq=False)
class Interaction:
    """Mean values over a grid of two hyperparameters.

    Attributes
    ----------
    paths : (str, str)
        The first has C values, the second L.
    mean_LC : float64, shape (L, C)
        NaN where there is none: the two values exclude each other, or all trainings failed.
    p_value : float or None
        How probable so much interaction is where there is none; None where the grid has holes.
    """

    paths: tuple[str, str]
    first: list[Scalar]
    second: list[Scalar]
    mean_LC: Numbers
    log_LC: Numbers
    p_value: float | None


def interaction(
    measured: Measurements,
    paths: tuple[str, str],
    first: list[Scalar],
    second: list[Scalar],
    rows: Sequence[Sequence[int | None]],
) -> Interaction:
    """Whether two hyperparameters act together: the F test of a two-way analysis of variance.

    On log errors, with the noise of all configs: effects that multiply the error do not interact.

    Parameters
    ----------
    first, second : list
        Values of the two.
    rows : sequence of sequences
        Places of the configs, a line for each value of the second.
    """
    from scipy.stats import f as f_distribution

    mean_LC = np.full((len(second), len(first)), np.nan)
    log_LC, seeds_LC = mean_LC.copy(), np.zeros(mean_LC.shape)
    for line, places in enumerate(rows):
        for column, row in enumerate(places):
            if row is not None and measured.counts[row]:
                mean_LC[line, column] = np.nanmean(measured.values_NR[row])
                log_LC[line, column] = np.nanmean(measured.log_errors[row])
                seeds_LC[line, column] = measured.counts[row]
    freedom = (len(first) - 1) * (len(second) - 1)
    p_value = None
    if np.all(seeds_LC == measured.seeds) and freedom:
        lines, columns = log_LC.mean(axis=1, keepdims=True), log_LC.mean(axis=0, keepdims=True)
        rest = log_LC - lines - columns + log_LC.mean()
        ratio = measured.seeds * float((rest**2).sum()) / freedom / measured.noise**2
        p_value = float(f_distribution.sf(ratio, freedom, measured.freedom))
    return Interaction(paths, first, second, mean_LC, log_LC, p_value)
