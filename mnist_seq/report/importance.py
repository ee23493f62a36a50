"""Which hyperparameters the differences between trials come from, and how sure that is.

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

from mnist_seq.report.drawing import ACCENT, INK, Panel, canvas, set_ticks, svg
from mnist_seq.report.scales import Hyperparameter, hyperparameters, round_ticks
from mnist_seq.report.tables import StudyTables
from mnist_seq.report.wording import share, shortened

LEAST_TRIALS = 8
SAMPLES = 32
TREES = 16
MOST_PAIRED = 6  # pairs are sought among so many of the most important


@dataclass(frozen=True)
class Importances:
    """Importances in bootstrap samples of the trials (B samples, H hyperparameters).

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
        """5 % quantile, mean and 95 % quantile over the samples."""
        return _interval(self.single_samples[:, self.paths.index(path)])

    def pair_interval(self, pair: tuple[str, str]) -> tuple[float, float, float]:
        return _interval(self.pairs[pair])

    def interacting(self) -> list[tuple[str, str]]:
        """The pairs, the strongest interaction first."""
        return sorted(self.pairs, key=lambda pair: -self.pair_interval(pair)[1])


@lru_cache(maxsize=2)  # the page and the diagnosis ask for the same tables
def weigh(tables: StudyTables) -> Importances | None:
    """Importances of all searched paths; None if trials are too few, or all equal."""
    from sklearn.ensemble import ExtraTreesRegressor

    trials = tables.scored
    merit = trials["value"].rank(ascending=tables.maximised).to_numpy()
    searched = hyperparameters(tables)
    varied = [h for h in searched if h.distinct > 1]
    if len(trials) < LEAST_TRIALS or np.ptp(merit) == 0 or not varied:
        return None
    random = np.random.default_rng(0)
    columns, inputs = _encoded(varied, random)
    active = [h.active for h in varied]
    merit = (merit - merit.mean()) / merit.std()
    samples = []
    for _ in range(SAMPLES):
        inside = random.integers(len(merit), size=len(merit))
        outside = np.setdiff1d(np.arange(len(merit)), inside)
        if len(outside) >= 2:
            forest = ExtraTreesRegressor(
                TREES, min_samples_leaf=2, random_state=int(random.integers(2**31))
            )
            samples.append((forest.fit(inputs[inside], merit[inside]), outside))

    def errors(shuffled: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
        """Mean squared error on the left-out trials, for each sample and each set shuffled."""
        rows = []
        for forest, outside in samples:
            repeats = max(3, 30 // len(outside))
            copies = [
                _shuffled(
                    inputs, outside, [columns[i] for i in group], [active[i] for i in group], random
                )
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
        # A child has no say without its parent: what they do together is not their interplay.
        if not ({varied[i].path} & varied[j].dimension.when.keys())
        and not ({varied[j].path} & varied[i].dimension.when.keys())
    ]
    pairs = {}
    if couples:
        together = errors(couples) - alone[:, :1]
        for (i, j), both in zip(couples, together.T, strict=True):
            pairs[varied[i].path, varied[j].path] = falls[:, i] + falls[:, j] - both
    single = np.zeros((len(samples), len(searched)))
    single[:, [searched.index(h) for h in varied]] = falls
    return Importances(tuple(tables.space), 1 - alone[:, 0], single, pairs)


def draw(tables: StudyTables) -> list[Panel]:
    title = "Importance"
    if len(tables.space) < 2:
        return [Panel(title, None, "With one hyperparameter there is nothing to rank.")]
    importances = weigh(tables)
    if importances is None:
        return [
            Panel(
                title,
                None,
                f"Importances need {LEAST_TRIALS} trials with values that differ; there are "
                f"{len(tables.scored)}.",
            )
        ]
    order = sorted(importances.paths, key=lambda path: importances.interval(path)[1])
    with canvas(70 + 34 * len(order)) as (figure, axes):
        spans = [importances.interval(path) for path in order]
        for height, (path, (low, mean, high)) in enumerate(zip(order, spans, strict=True)):
            axes.plot([low, high], [height, height], color=ACCENT, linewidth=1.4, alpha=0.6)
            axes.scatter([mean], [height], s=44, color=ACCENT, zorder=4)
            # The name stands above its own line: beside it, long names would leave no room.
            axes.text(
                0.0,
                height + 0.2,
                shortened(path, 48),
                transform=axes.get_yaxis_transform(),
                bbox={"facecolor": "white", "alpha": 0.9, "pad": 0.8, "linewidth": 0},
            )
        axes.axvline(0, color=INK, linewidth=0.8)
        low, high = min(s[0] for s in spans), max(s[2] for s in spans)
        margin = 0.05 * (high - low) or 0.1
        axes.set_xlim(low - margin, high + margin)
        axes.set_ylim(-0.5, len(order) - 0.1)
        axes.grid(visible=False, axis="y")
        set_ticks(axes.xaxis, round_ticks(low - margin, high + margin))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("fall of R² when shuffled")
        picture = svg(figure, "importance")
    explained = max(importances.explained, 0.0)
    return [
        Panel(
            title,
            picture,
            f"Mean and 90 % interval over {SAMPLES} bootstrap samples of the "
            f"trials. Altogether the settings explain {share(explained)} of the ranks of left-out "
            "trials; an interval that touches zero says that more trials are needed to tell.",
        )
    ]


def _encoded(
    searched: list[Hyperparameter], random: np.random.Generator
) -> tuple[list[NDArray[np.intp]], NDArray[np.float32]]:
    """Each hyperparameter's columns, and the inputs: numbers as they are, names one column each."""
    blocks, columns, width = [], [], 0
    for hyperparameter in searched:
        filled = hyperparameter.positions.copy()
        active = hyperparameter.active
        # Where it has no say it gets values by lot: any fixed one would tell the forest that the
        # parent is off, and the child would be paid for what the parent did.
        filled[~active] = random.choice(filled[active], size=int((~active).sum()))
        if hyperparameter.ordered or len(hyperparameter.categories) == 2:
            block = filled[:, None]
        else:
            block = filled[:, None] == np.arange(len(hyperparameter.categories))
        columns.append(np.arange(width, width + block.shape[1]))
        blocks.append(block)
        width += block.shape[1]
    return columns, np.concatenate(blocks, axis=1).astype(np.float32)


def _shuffled(
    inputs: NDArray[np.float32],
    rows: NDArray[np.intp],
    groups: list[NDArray[np.intp]],
    active: list[NDArray[np.bool_]],
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """The rows with some hyperparameters shuffled alike, each row's from a trial that uses them."""
    copy = inputs[rows]
    order = random.permutation(len(inputs))
    for used in product([False, True], repeat=len(groups)):
        fits = np.ones(len(inputs), bool)
        for has_say, wanted in zip(active, used, strict=True):
            fits &= has_say == wanted
        taken, donors = np.flatnonzero(fits[rows]), order[fits[order]]
        for columns, wanted in zip(groups, used, strict=True):
            if wanted and len(taken):
                copy[np.ix_(taken, columns)] = inputs[np.ix_(donors[: len(taken)], columns)]
    return copy


def _interval(sample: NDArray[np.float64]) -> tuple[float, float, float]:
    low, high = np.quantile(sample, [0.05, 0.95])
    return float(low), float(sample.mean()), float(high)
