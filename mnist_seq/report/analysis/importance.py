"""Permutation importance of hyperparameters and pairs of them, with bootstrap intervals.

A forest learns the trials' ranks from their settings; a hyperparameter matters as far as the
forest's predictions of trials it has not seen get worse when that hyperparameter's values are
shuffled. All of it is done again on bootstrap samples of the trials: what changes from sample to
sample is not known yet.

References
----------
Breiman, "Random Forests", Machine Learning 45 (2001), section 10: permutation importance.
Geurts et al., "Extremely randomized trees", Machine Learning 63 (2006): the forest.
Sobol', Mathematics and Computers in Simulation 55 (2001): shuffling one input of a function costs
twice the variance of all terms that contain it, hence `Importances.pairs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.analysis.hyperparameters import Hyperparameter, hyperparameters
from mnist_seq.report.analysis.tables import StudyTables

LEAST_TRIALS = 8
SAMPLES = 32
TREES = 16
MOST_PAIRED = 6  # pairs are sought among so many of the most important
# Where a hyperparameter is in the forest's inputs, and in which trials it is active.
Columns = tuple[NDArray[np.intp], NDArray[np.bool_]]


@dataclass(frozen=True)
class Importances:
    """Permutation importances from B bootstrap samples of the trials, for H hyperparameters.

    Attributes
    ----------
    paths : tuple of str
        The H hyperparameters.
    explained_samples : float, shape (B,)
        R² of the forest on the trials left out; at or below 0 if it learned nothing.
    single_samples : float, shape (B, H)
        How much R² falls when one hyperparameter is shuffled.
    pairs : dict of (str, str) to float, shape (B,)
        What the two say only together: the sum of the falls less the fall when both are shuffled
        alike. Zero on average where effects add up.
    """

    paths: tuple[str, ...]
    explained_samples: NDArray[np.float64]
    single_samples: NDArray[np.float64]
    pairs: dict[tuple[str, str], NDArray[np.float64]]

    @property
    def explained(self) -> float:
        return float(self.explained_samples.mean())

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
def permutation_importance(tables: StudyTables) -> Importances | None:
    """Importances of all hyperparameters; None if trials are too few or do not differ.

    Kept for the latest tables: the findings and several figures ask for them.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    trials = tables.scored
    merit = trials["value"].rank(ascending=tables.maximised).to_numpy()
    searched = hyperparameters(tables)
    varied = [h for h in searched if h.distinct > 1]
    if len(trials) < LEAST_TRIALS or np.ptp(merit) == 0 or not varied:
        return None
    random = np.random.default_rng(0)
    columns, inputs = _encoded(varied, random)
    merit = (merit - merit.mean()) / merit.std()
    samples = []
    for _ in range(SAMPLES):
        inside = random.integers(len(merit), size=len(merit))
        outside = np.setdiff1d(np.arange(len(merit)), inside)
        if len(outside) >= 2:
            seed = int(random.integers(2**31))
            forest = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=seed)
            samples.append((forest.fit(inputs[inside], merit[inside]), outside))

    def errors(shuffled: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
        """MSE on the left-out trials, per bootstrap sample and set of shuffled hyperparameters."""
        rows = []
        for forest, outside in samples:
            repeats = max(3, 30 // len(outside))
            copies = [
                _shuffled(inputs, outside, [columns[i] for i in group], random)
                for group in shuffled
                for _ in range(repeats)
            ]
            predicted = forest.predict(np.concatenate(copies))
            wrong = (predicted.reshape(len(copies), -1) - merit[outside]) ** 2
            rows.append(wrong.mean(axis=1).reshape(len(shuffled), repeats).mean(axis=1))
        return np.asarray(rows)

    alone = errors([(), *[(i,) for i in range(len(varied))]])
    falls = alone[:, 1:] - alone[:, :1]
    first = sorted(np.argsort(-falls.mean(axis=0))[:MOST_PAIRED].tolist())
    couples = [
        (i, j)
        for i, j in combinations(first, 2)
        # A child is not active without its parent: their joint effect is no interaction.
        if varied[i].path not in varied[j].dimension.when
        and varied[j].path not in varied[i].dimension.when
    ]
    pairs = {}
    if couples:
        together = errors(couples) - alone[:, :1]
        for (i, j), both in zip(couples, together.T, strict=True):
            pairs[varied[i].path, varied[j].path] = falls[:, i] + falls[:, j] - both
    single = np.zeros((len(samples), len(searched)))
    single[:, [searched.index(h) for h in varied]] = falls
    return Importances(tuple(tables.space), 1 - alone[:, 0], single, pairs)


def _encoded(
    searched: list[Hyperparameter], random: np.random.Generator
) -> tuple[list[Columns], NDArray[np.float32]]:
    """Encode hyperparameters as the forest's input matrix; also return each one's columns."""
    blocks, columns, width = [], [], 0
    for hyperparameter in searched:
        filled = hyperparameter.positions.copy()
        active = hyperparameter.active
        # Where it is not active it gets values by lot: any fixed one would tell the forest that the
        # parent is off, and the child would be paid for what the parent did.
        filled[~active] = random.choice(filled[active], size=int((~active).sum()))
        if hyperparameter.ordered or len(hyperparameter.categories) == 2:
            block = filled[:, None]
        else:
            block = filled[:, None] == np.arange(len(hyperparameter.categories))
        columns.append((np.arange(width, width + block.shape[1]), active))
        blocks.append(block)
        width += block.shape[1]
    return columns, np.concatenate(blocks, axis=1).astype(np.float32)


def _shuffled(
    inputs: NDArray[np.float32],
    rows: NDArray[np.intp],
    shuffled: list[Columns],
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Input rows with some hyperparameters jointly replaced by those of random other trials."""
    copy = inputs[rows]
    order = random.permutation(len(inputs))
    for used in product([False, True], repeat=len(shuffled)):
        fits = np.ones(len(inputs), bool)
        for (_, active), wanted in zip(shuffled, used, strict=True):
            fits &= active == wanted
        taken, donors = np.flatnonzero(fits[rows]), order[fits[order]]
        for (columns, _), wanted in zip(shuffled, used, strict=True):
            if wanted and len(taken):
                copy[np.ix_(taken, columns)] = inputs[np.ix_(donors[: len(taken)], columns)]
    return copy


def _interval(sample: NDArray[np.float64]) -> tuple[float, float, float]:
    low, high = np.quantile(sample, [0.05, 0.95])
    return float(low), float(sample.mean()), float(high)
