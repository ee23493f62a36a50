"""Best trial for each value of one hyperparameter, whatever the other settings.

A slice mixes a value's own merit with whatever else its trials had. The best trial of each value
asks the fair question: how good can it get, once the rest is tuned for it?
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.analysis.chance import standard_error
from mnist_seq.report.analysis.hyperparameters import Hyperparameter
from mnist_seq.report.analysis.tables import StudyTables

LEAST_BINS, MOST_BINS = 3, 8
TRIALS_A_BIN = 4


@dataclass(frozen=True)
class Isolated:
    """The best trial among those with one choice, or within one part of a range.

    Attributes
    ----------
    low, high : float
        Ends of the part, as positions on the axis; of a choice, around its index.
    position, number, value
        Of the best trial.
    error : float or None
        Of its value, the binomial standard error; None for a loss, which has none.
    pruned : bool
        Whether none of them ran to its end, and the best is the best of pruned ones.
    """

    low: float
    high: float
    position: float
    number: int
    value: float
    error: float | None
    pruned: bool


def isolate(tables: StudyTables, hyperparameter: Hyperparameter) -> list[Isolated]:
    """The best trial of each choice or each bin of a range; those without trials are omitted."""
    trials = tables.scored
    values = trials["value"].to_numpy(float)
    complete = (trials["state"] == "complete").to_numpy()
    merit = values if tables.maximised else -values
    edges = _edges(hyperparameter)
    part = np.digitize(hyperparameter.positions, edges[1:-1])  # the last part holds its upper end
    found = []
    for index, (low, high) in enumerate(pairwise(edges)):
        here = hyperparameter.active & (part == index)
        if not here.any():
            continue
        eligible = here & complete if (here & complete).any() else here
        best = int(np.flatnonzero(eligible)[np.argmax(merit[eligible])])
        error = standard_error(values[best], tables.validation_images) if tables.maximised else None
        found.append(
            Isolated(
                low=float(low),
                high=float(high),
                position=float(hyperparameter.positions[best]),
                number=int(trials["number"].iloc[best]),
                value=float(values[best]),
                error=error,
                pruned=not complete[best],
            )
        )
    return found


def _edges(hyperparameter: Hyperparameter) -> NDArray[np.float64]:
    if hyperparameter.categories:
        return np.arange(len(hyperparameter.categories) + 1.0) - 0.5
    found = hyperparameter.positions[hyperparameter.active]
    bins = int(np.clip(len(found) // TRIALS_A_BIN, LEAST_BINS, MOST_BINS))
    if hyperparameter.whole and not hyperparameter.log:
        whole = np.unique(found)
        if len(whole) <= MOST_BINS and np.all(whole == np.round(whole)):
            middles = (whole[1:] + whole[:-1]) / 2
            return np.concatenate([[whole[0] - 0.5], middles, [whole[-1] + 0.5]])
    return np.linspace(*hyperparameter.reach, bins + 1)
