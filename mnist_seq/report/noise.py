"""How much of a difference between two validation accuracies is chance."""

import math
from collections.abc import Callable
from statistics import NormalDist


def standard_error(accuracy: float, images: int) -> float:
    """Binomial standard error of an accuracy measured on that many images.

    Parameters
    ----------
    accuracy : float
        In [0, 1].
    images : int
        At least 1.

    Returns
    -------
    float
        sqrt(p (1 - p) / n). A flawless or a hopeless accuracy is taken half an image short of it,
        as an error of zero would claim to know too much.
    """
    margin = 0.5 / images
    p = min(max(accuracy, margin), 1 - margin)
    return math.sqrt(p * (1 - p) / images)


def lead_by_luck(trials: int, error: float, share: float = 0.95) -> float:
    """The lead over a baseline that the best of some equally good trials stays below.

    Were every trial exactly as good as the baseline, each measured with the same normal error,
    the best would still lead, and the more trials the further. This is the quantile of that lead.

    Parameters
    ----------
    trials : int
        How many were tried beside the baseline; at least 1.
    error : float
        Standard error of one measured value.
    share : float
        Of such searches whose lead stays below.

    Returns
    -------
    float
        The t at which the integral of phi(z) Phi(t / error + z)**trials over z is `share`.
    """

    def below(lead: float) -> float:
        return sum(w * _NORMAL.cdf(lead + z) ** trials for z, w in _NODES)

    return error * _where(below, share)


def spread_by_luck(values: int, error: float, share: float = 0.95) -> float:
    """The distance from the best to the worst of some equally good values, each with an error.

    Parameters
    ----------
    values : int
        How many; at least 2.
    error : float
        Standard error of one measured value.
    share : float
        How often the distance stays below.

    Returns
    -------
    float
        The t at which n times the integral of phi(z) (Phi(z + t / error) - Phi(z))**(n - 1) over z
        is `share`.

    References
    ----------
    Tukey's studentized range with infinitely many degrees of freedom.
    """

    def below(spread: float) -> float:
        return values * sum(
            w * (_NORMAL.cdf(z + spread) - _NORMAL.cdf(z)) ** (values - 1) for z, w in _NODES
        )

    return error * _where(below, share)


_NORMAL = NormalDist()
_NODES = [(z, 0.1 * _NORMAL.pdf(z)) for z in (-6 + 0.1 * i for i in range(121))]


def _where(rising: Callable[[float], float], share: float) -> float:
    low, high = 0.0, 16.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < share else (low, middle)
    return high
