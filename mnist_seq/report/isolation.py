"""Isolation: for each value of one hyperparameter, the best over all the others.

A slice mixes a value's own merit with whatever else its trials had. The best trial of each value
asks the fair question: how good can it get, once the rest is tuned for it?
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config import Range
from mnist_seq.report.drawing import (
    ACCENT,
    BEST,
    Panel,
    baseline_rule,
    canvas,
    hyperparameter_axis,
    scatter,
    svg,
    value_axis,
)
from mnist_seq.report.noise import standard_error
from mnist_seq.report.scales import Hyperparameter, ValueScale, hyperparameters
from mnist_seq.report.slices import NO_VALUES, unseen, when
from mnist_seq.report.tables import StudyTables

LEAST_BINS, MOST_BINS = 3, 8
TRIALS_A_BIN = 4


@dataclass(frozen=True)
class Isolated:
    """The best of one value, or of one part of a range.

    Attributes
    ----------
    low, high : float
        Ends of the part, as positions on the axis; of a choice, around its index.
    position : float
        Of the best trial.
    number : int
        The best trial's.
    value : float
        The best trial's.
    error : float or None
        Its binomial standard error; None for a loss, which has none.
    trials : int
        How many trials are in this part.
    pruned : bool
        Whether none of them ran to its end, and the best is the best of pruned ones.
    """

    low: float
    high: float
    position: float
    number: int
    value: float
    error: float | None
    trials: int
    pruned: bool


def isolate(tables: StudyTables, hyperparameter: Hyperparameter) -> list[Isolated]:
    """The best trial of each choice, or of each of equal parts of a range, where there are any."""
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
        found.append(
            Isolated(
                low=float(low),
                high=float(high),
                position=float(hyperparameter.positions[best]),
                number=int(trials["number"].iloc[best]),
                value=float(values[best]),
                error=standard_error(values[best], tables.validation_images)
                if tables.maximised
                else None,
                trials=int(here.sum()),
                pruned=not complete[best],
            )
        )
    return found


def draw(tables: StudyTables) -> list[Panel]:
    if tables.scored.empty:
        return [Panel("", None, NO_VALUES)]
    return [_panel(tables, h, i) for i, h in enumerate(hyperparameters(tables))]


def _edges(hyperparameter: Hyperparameter) -> NDArray[np.float64]:
    if hyperparameter.categories:
        return np.arange(len(hyperparameter.categories) + 1.0) - 0.5
    found = hyperparameter.positions[hyperparameter.active]
    low, high = min([hyperparameter.low, *found]), max([hyperparameter.high, *found])
    dimension = hyperparameter.dimension
    bins = int(np.clip(len(found) // TRIALS_A_BIN, LEAST_BINS, MOST_BINS))
    if isinstance(dimension, Range) and not dimension.log and isinstance(dimension.low, int):
        whole = np.unique(found)
        if len(whole) <= MOST_BINS and np.all(whole == np.round(whole)):
            middles = (whole[1:] + whole[:-1]) / 2
            return np.concatenate([[whole[0] - 0.5], middles, [whole[-1] + 0.5]])
    return np.linspace(low, high, bins + 1)


def _panel(tables: StudyTables, hyperparameter: Hyperparameter, index: int) -> Panel:
    if hyperparameter.distinct < 2:
        return Panel(hyperparameter.path, None, unseen(hyperparameter))
    parts = isolate(tables, hyperparameter)
    scale = ValueScale(tables)
    y = scale.position(tables.scored["value"].to_numpy())
    heights = []
    with canvas(230) as (figure, axes):
        baseline_rule(axes, tables)
        scatter(axes, tables, hyperparameter.positions, y, alpha=0.45)
        for part in parts:
            height = float(scale.position(part.value))
            heights.append(height)
            ends = _within(part.low, part.high, *hyperparameter.frame)
            axes.plot(ends, [height, height], color=ACCENT, linewidth=2.2, zorder=4)
            if part.error is not None:
                span = scale.position(np.array([part.value - part.error, part.value + part.error]))
                heights += list(span)
                axes.plot([part.position] * 2, span, color=ACCENT, linewidth=1.1, zorder=4)
            best = tables.best is not None and part.number == tables.best.number
            mark = axes.scatter(
                [part.position],
                [height],
                s=34,
                facecolors=["#ffffff" if part.pruned else BEST if best else ACCENT],
                edgecolors=[BEST if best else ACCENT],
                marker="D" if best else "o",
                zorder=6,
            )
            mark.set_urls([f"#trial-{part.number}"])
        # Only the tops matter here: trials far below them would press the differences flat.
        value_axis(axes, tables, np.asarray(heights))
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.25 * (high - low), high)
        hyperparameter_axis(axes, hyperparameter)
        picture = svg(figure, f"isolation-{index}", tables)
    return Panel(hyperparameter.path, picture, when(hyperparameter))


def _within(low: float, high: float, first: float, last: float) -> tuple[float, float]:
    gap = 0.06 * (high - low)
    return max(low + gap, first), min(high - gap, last)
