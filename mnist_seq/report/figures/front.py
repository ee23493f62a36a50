"""Figures of the Pareto front of a search with several aims."""

import math

import numpy as np

from mnist_seq.config.settings import Cost
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.axes import baseline_rule, scatter, set_ticks, value_axis
from mnist_seq.report.figures.scales import ValueScale, framed, round_ticks
from mnist_seq.report.figures.style import ACCENT, Panel, canvas, svg


def draw_front(tables: StudyTables) -> list[Panel]:
    """Draw all trials with the front among them, over each of the costs."""
    return [_over(tables, cost) for cost in tables.costs]


def _over(tables: StudyTables, cost: Cost) -> Panel:
    title = f"Over the {wording.COST_NAMES[cost]}"
    costs = tables.cost_of(tables.scored, cost).to_numpy(float)
    if not np.any(costs > 0) or tables.front.empty:
        return Panel(title, None, "No trial is complete yet.")
    scale = ValueScale(tables)
    x = np.log10(np.where(costs > 0, costs, math.nan))
    y = scale.position(tables.scored["value"].to_numpy())
    front = tables.front.sort_values(cost)
    on = np.log10(front[cost].to_numpy(float)), scale.position(front["value"].to_numpy())
    low, high = framed(x, 0.05)
    with canvas(260) as (figure, axes):
        baseline_rule(axes, tables)
        if len(tables.costs) == 1:
            corners = [*on[0], high], [*on[1], on[1][-1]]
            axes.step(*corners, where="post", color=ACCENT, linewidth=1.4, zorder=4)
        scatter(axes, tables, x, y)
        axes.scatter(*on, s=70, facecolors="none", edgecolors=ACCENT, linewidths=1.4, zorder=6)
        value_axis(axes, tables, y[np.isfinite(x)])
        axes.set(xlim=(low, high), xlabel=wording.COST_NAMES[cost])
        set_ticks(axes.xaxis, round_ticks(low, high, log=True))
        picture = svg(figure, f"front-{cost}", tables)
    line = "The line is" if len(tables.costs) == 1 else "Ringed is"
    return Panel(title, picture, f"{line} the Pareto front of the complete trials.")
