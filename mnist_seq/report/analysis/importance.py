"""Importance of hyperparameters and pairs of them: how much of the variance goes with each.

The model of a study says what any settings reach after a whole training. A hyperparameter matters
as far as that changes when its value is drawn anew. All of it is done on the models of bootstrap
samples of the trials: what changes from sample to sample is not known yet.

References
----------
Sobol', Mathematics and Computers in Simulation 55 (2001), section 5: half the mean squared change
of a function when one input is drawn anew is the variance of all terms that contain it; a quarter
of the mean squared change that two inputs bring only together is that of the terms with both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.analysis.coordinates import Settings
from mnist_seq.report.analysis.one_thread import in_one_thread
from mnist_seq.report.analysis.response_model import Numbers
from mnist_seq.report.analysis.study_model import StudyModel, after_training, study_model
from mnist_seq.report.analysis.tables import StudyTables

DRAWS = 256
STRONG = 0.05  # share of the variance from which on an interaction is told
MOST_PAIRED = 6  # pairs are sought among so many of the most important


@dataclass(frozen=True)
class Importances:
    """Shares of the variance of the log error, from the models of B bootstrap samples.

    Attributes
    ----------
    paths : tuple of str
        The H hyperparameters.
    single_samples : float64, shape (B, H)
        Share of the variance that goes with one hyperparameter, alone or with others.
    pairs : dict of (str, str) to float64, shape (B,)
        What goes with two only together; zero where effects add up.
    """

    paths: tuple[str, ...]
    single_samples: Numbers
    pairs: dict[tuple[str, str], Numbers]

    @property
    def leader(self) -> tuple[str, float]:
        """The most important hyperparameter, and the share of samples in which it leads."""
        best = int(self.single_samples.mean(axis=0).argmax())
        return self.paths[best], float((self.single_samples.argmax(axis=1) == best).mean())

    def interval(self, path: str) -> tuple[float, float, float]:
        """Mean importance of one hyperparameter with its 90 % interval, as (low, mean, high)."""
        return _interval(self.single_samples[:, self.paths.index(path)])

    def pair_interval(self, pair: tuple[str, str]) -> tuple[float, float, float]:
        return _interval(self.pairs[pair])

    def interacting(self) -> list[tuple[str, str]]:
        """The hyperparameter pairs, sorted by mean interaction, strongest first."""
        return sorted(self.pairs, key=lambda pair: -self.pair_interval(pair)[1])


@lru_cache(maxsize=2)
@in_one_thread
def variance_importance(tables: StudyTables) -> Importances | None:
    """Importances of all hyperparameters; None if trials are too few or do not differ.

    Kept for the latest tables: the findings and several figures ask for them.
    """
    fitted = study_model(tables)
    if fitted is None:
        return None
    varied, paths = [h.path for h in fitted.searched], tuple(tables.space)
    base, donors = _drawn(fitted, 0), _drawn(fitted, 1)
    unchanged = _predicted(fitted, base)
    variance_B = unchanged.var(axis=1) + np.array([model.luck**2 for model in fitted.samples])

    def change(*changed: str) -> Numbers:
        return _predicted(fitted, fitted.encoder.exchanged(base, donors, changed))

    alone = {path: change(path) for path in varied}
    single = np.zeros((len(fitted.samples), len(paths)))
    for path, predicted in alone.items():
        single[:, paths.index(path)] = ((predicted - unchanged) ** 2).mean(axis=1) / 2 / variance_B
    first = sorted(varied, key=lambda path: -single[:, paths.index(path)].mean())[:MOST_PAIRED]
    pairs = {}
    for one, other in combinations([path for path in varied if path in first], 2):
        # A child is not active without its parent: their joint effect is no interaction.
        if one not in tables.space[other].when and other not in tables.space[one].when:
            joint = change(one, other) - alone[one] - alone[other] + unchanged
            pairs[one, other] = (joint**2).mean(axis=1) / 4 / variance_B
    return Importances(paths, single, pairs)


def _drawn(fitted: StudyModel, seed: int) -> list[Settings]:
    """Settings in which each hyperparameter is drawn by itself, from the values of the trials."""
    random = np.random.default_rng(seed)
    drawn = [fitted.trials[k] for k in random.integers(len(fitted.trials), size=DRAWS)]
    for h in fitted.searched:
        users = [trial for trial in fitted.trials if h.path in trial]
        donors = [users[k] for k in random.integers(len(users), size=DRAWS)]
        drawn = fitted.encoder.exchanged(drawn, donors, [h.path])
    return drawn


def _predicted(fitted: StudyModel, trials: Sequence[Settings]) -> Numbers:
    """Log errors after a whole training, shape (bootstrap samples, trials)."""
    points = after_training(fitted.encoder.encode(trials))
    return np.array([model.mean(points) for model in fitted.samples])


def _interval(sample: NDArray[np.float64]) -> tuple[float, float, float]:
    low, high = np.quantile(sample, [0.05, 0.95])
    return float(low), float(sample.mean()), float(high)
