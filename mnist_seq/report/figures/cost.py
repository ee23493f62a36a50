"""Figures of the objective against model size and training time, with Pareto fronts."""

import math

import numpy as np
from numpy.typing import NDArray

from mnist_seq.metrics.pareto import pareto_front
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.axes import baseline_rule, scatter, set_ticks, value_axis
from mnist_seq.report.figures.scales import ValueScale, framed, round_ticks
from mnist_seq.report.figures.style import ACCENT, Panel, canvas, svg


def draw_cost(tables: StudyTables) -> list[Panel]:
    """Draw the objective against the number of parameters and against the training time."""
    return [
        _against(tables, "parameters", "Against size", "trainable parameters"),
        _against(tables, "seconds", "Against time", "seconds of training"),
    ]


def _against(tables: StudyTables, column: str, title: str, label: str) -> Panel:
    costs = tables.scored[column].to_numpy(float)
    known = np.isfinite(costs) & (costs > 0)
    if known.sum() < 2 or np.ptp(costs[known]) == 0:
        return Panel(title, None, f"No two trials with a value differ in their {label}.")
    x = np.log10(np.where(known, costs, math.nan))
    y = ValueScale(tables).position(tables.scored["value"].to_numpy())
    chosen = np.flatnonzero(known)[pareto_front(x[known, None], y[known])]
    low, high = framed(x, 0.05)
    with canvas(260) as (figure, axes):
        baseline_rule(axes, tables)
        corners = [*x[chosen], high], [*y[chosen], y[chosen[-1]]]
        axes.step(*corners, where="post", color=ACCENT, linewidth=1.4, zorder=4)
        scatter(axes, tables, x, y)
        value_axis(axes, tables, y[known])
        axes.set(xlim=(low, high), xlabel=label)
        set_ticks(axes.xaxis, round_ticks(low, high, log=True))
        picture = svg(figure, f"cost-{column}", tables)
    note = "The line is the Pareto front: nothing cheaper is better."
    return Panel(title, picture, note + _cheapest(tables, costs, chosen))


def _cheapest(tables: StudyTables, costs: NDArray[np.float64], chosen: NDArray[np.intp]) -> str:
    """Sentence on the cheapest Pareto trial within 0.25 points of the best; may be empty."""
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
