"""Accuracy against what it costs: trainable numbers and seconds, with the Pareto front."""

import math

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report import wording
from mnist_seq.report.drawing import (
    ACCENT,
    Panel,
    baseline_rule,
    canvas,
    scatter,
    set_ticks,
    svg,
    value_axis,
)
from mnist_seq.report.scales import ValueScale, round_ticks
from mnist_seq.report.tables import StudyTables


def draw(tables: StudyTables) -> list[Panel]:
    return [
        _against(tables, "parameters", "Against size", "trainable parameters"),
        _against(tables, "seconds", "Against time", "seconds of training"),
    ]


def front(costs: NDArray[np.float64], merits: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the trials that no other beats in one without being beaten in the other.

    Parameters
    ----------
    costs, merits : float, shape (N,)
        Less cost and more merit are better.

    Returns
    -------
    int, shape (F,)
        By rising cost; of trials equal in both, the first.
    """
    chosen: list[int] = []
    for index in np.lexsort((-merits, costs)):
        if not chosen or merits[index] > merits[chosen[-1]]:
            chosen.append(int(index))
    return np.asarray(chosen, dtype=np.intp)


def _against(tables: StudyTables, column: str, title: str, label: str) -> Panel:
    costs = tables.scored[column].to_numpy(float)
    known = np.isfinite(costs) & (costs > 0)
    if known.sum() < 2 or np.ptp(costs[known]) == 0:
        return Panel(title, None, f"No two trials with a value differ in their {label}.")
    x = np.log10(np.where(known, costs, math.nan))
    y = ValueScale(tables).position(tables.scored["value"].to_numpy())
    chosen = np.flatnonzero(known)[front(x[known], y[known])]
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    margin = 0.05 * (high - low)
    with canvas(260) as (figure, axes):
        baseline_rule(axes, tables)
        axes.step(
            [*x[chosen], high + margin],
            [*y[chosen], y[chosen[-1]]],
            where="post",
            color=ACCENT,
            linewidth=1.4,
            zorder=4,
        )
        scatter(axes, tables, x, y)
        value_axis(axes, tables, y[known])
        axes.set_xlim(low - margin, high + margin)
        set_ticks(axes.xaxis, round_ticks(low - margin, high + margin, log=True))
        axes.set_xlabel(label)
        picture = svg(figure, f"cost-{column}", tables)
    cheapest = _cheapest_good(tables, costs, chosen)
    return Panel(
        title, picture, f"The line is the Pareto front: nothing cheaper is better.{cheapest}"
    )


def _cheapest_good(
    tables: StudyTables, costs: NDArray[np.float64], chosen: NDArray[np.intp]
) -> str:
    """A sentence on the cheapest trial of the front within a quarter of a point of its best."""
    values = tables.scored["value"].to_numpy(float)
    if not tables.maximised:
        return ""
    good = [i for i in chosen if values[i] >= values[chosen[-1]] - 0.0025]
    if good[0] == chosen[-1]:
        return ""
    part = costs[good[0]] / costs[chosen[-1]]
    return (
        f" Trial {tables.scored['number'].iloc[good[0]]} comes within a quarter of a point of its "
        f"end at {wording.share(part)} of the cost."
    )
