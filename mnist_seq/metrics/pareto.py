"""The Pareto front: what nothing else beats in one aim without being worse in another."""

import numpy as np
from numpy.typing import NDArray


def pareto_front(costs_NC: NDArray[np.float64], merits_N: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the points that are on the Pareto front of low costs and high merit.

    Parameters
    ----------
    costs_NC, merits_N : float
        N points, with C costs each; less cost and more merit are better.

    Returns
    -------
    int, shape (F,)
        By rising first cost, then the next; of points equal in everything, the first.
    """
    chosen: list[int] = []
    # Whoever is no more costly than a point and no worse comes before it in this order.
    for index in np.lexsort((-merits_N, *costs_NC.T[::-1])):
        no_costlier = np.all(costs_NC[chosen] <= costs_NC[index], axis=1)
        if not np.any(no_costlier & (merits_N[chosen] >= merits_N[index])):
            chosen.append(int(index))
    return np.asarray(chosen, dtype=np.intp)
