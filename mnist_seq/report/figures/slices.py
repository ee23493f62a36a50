"""Figures of the objective against each hyperparameter: all trials, or best per value."""

from collections.abc import Callable

import numpy as np
from markupsafe import Markup

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.hyperparameters import Hyperparameter, hyperparameters
from mnist_seq.report.analysis.isolation import isolate
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.axes import (
    baseline_rule,
    hyperparameter_axis,
    jitter,
    scatter,
    value_axis,
)
from mnist_seq.report.figures.drawing import ACCENT, BEST, Panel, canvas, svg
from mnist_seq.report.figures.scales import ValueScale


def draw_slices(tables: StudyTables) -> list[Panel]:
    """A figure for each hyperparameter: the objective over its values, one point a trial."""
    return _for_each(tables, _slice)


def draw_isolated(tables: StudyTables) -> list[Panel]:
    """Draw the best trial for each value or bin of each hyperparameter."""
    return _for_each(tables, _isolated)


def _for_each(
    tables: StudyTables, draw: Callable[[StudyTables, Hyperparameter, int], Markup]
) -> list[Panel]:
    if tables.scored.empty:
        return [Panel("", None, "No trial reached a value, so no hyperparameter can be judged.")]
    return [
        Panel(h.path, draw(tables, h, index) if h.distinct > 1 else None, _note(h))
        for index, h in enumerate(hyperparameters(tables))
    ]


def _slice(tables: StudyTables, hyperparameter: Hyperparameter, index: int) -> Markup:
    y = ValueScale(tables).position(tables.scored["value"].to_numpy())
    with canvas(230) as (figure, axes):
        baseline_rule(axes, tables)
        scatter(axes, tables, jitter(hyperparameter, 0.36), y)
        value_axis(axes, tables, y[hyperparameter.active])
        hyperparameter_axis(axes, hyperparameter)
        return svg(figure, f"slice-{index}", tables)


def _isolated(tables: StudyTables, hyperparameter: Hyperparameter, index: int) -> Markup:
    scale = ValueScale(tables)
    y = scale.position(tables.scored["value"].to_numpy())
    first, last = hyperparameter.frame
    heights = []
    with canvas(230) as (figure, axes):
        baseline_rule(axes, tables)
        scatter(axes, tables, hyperparameter.positions, y, alpha=0.45)
        for part in isolate(tables, hyperparameter):
            height = float(scale.position(part.value))
            heights.append(height)
            # A little drawn in, so that neighbours do not touch, and inside the axis.
            gap = 0.06 * (part.high - part.low)
            ends = max(part.low + gap, first), min(part.high - gap, last)
            axes.plot(ends, [height, height], color=ACCENT, linewidth=2.2, zorder=4)
            if part.error is not None:
                span = scale.position(np.array([part.value - part.error, part.value + part.error]))
                heights += list(span)
                axes.plot([part.position] * 2, span, color=ACCENT, linewidth=1.1, zorder=4)
            best = tables.best is not None and part.number == tables.best.number
            color, marker = (BEST, "D") if best else (ACCENT, "o")
            fill = "#ffffff" if part.pruned else color
            look = {"facecolors": [fill], "edgecolors": [color], "marker": marker}
            mark = axes.scatter([part.position], [height], s=34, zorder=6, **look)
            mark.set_urls([f"#trial-{part.number}"])
        # Only the tops matter here: trials far below them would press the differences flat.
        value_axis(axes, tables, np.asarray(heights))
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.25 * (high - low), high)
        hyperparameter_axis(axes, hyperparameter)
        return svg(figure, f"isolation-{index}", tables)


def _note(hyperparameter: Hyperparameter) -> str:
    """The reason why there is no figure, or the condition for the hyperparameter to be active."""
    if hyperparameter.distinct == 0:
        return "No trial with a value used it, so nothing can be said about it."
    if hyperparameter.distinct == 1:
        return "All trials with a value had the same setting, so there is nothing to compare."
    conditions = [f"{p}={wording.setting(v)}" for p, v in hyperparameter.dimension.when.items()]
    return f"Only trials with {wording.listing(conditions)}." if conditions else ""
