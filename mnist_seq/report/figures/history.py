"""Figures of the search's progress, and of the best value expected from fewer trials."""

import numpy as np

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.chance import expected_best
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.axes import baseline_rule, scatter, set_ticks, value_axis
from mnist_seq.report.figures.scales import ValueScale, round_ticks
from mnist_seq.report.figures.style import ACCENT, BEST, Panel, canvas, svg


def draw_over_time(tables: StudyTables) -> Panel:
    """Draw each trial's value at its end time, and the best so far."""
    title = "Found over time"
    trials = tables.scored
    if trials.empty:
        return Panel(title, None, "No trial reached a value, so there is no history to draw.")
    seconds = trials["finished"].to_numpy(float)
    seconds = np.where(np.isfinite(seconds), seconds, np.nanmax([0.0, *seconds]))
    units = {"hours": 3600, "minutes": 60, "seconds": 1}
    unit = next((name for name, size in units.items() if max(seconds) > 3 * size), "seconds")
    x = seconds / units[unit]
    y = ValueScale(tables).position(trials["value"].to_numpy())
    # Pruned trials are judged by fewer epochs: as long as there are others, they lead nothing.
    runs = np.flatnonzero(trials.index.isin(tables.contenders.index))
    runs = runs[np.argsort(x[runs], kind="stable")]
    with canvas() as (figure, axes):
        baseline_rule(axes, tables)
        axes.step(x[runs], np.maximum.accumulate(y[runs]), where="post", color=BEST, linewidth=1.2)
        scatter(axes, tables, x, y)
        value_axis(axes, tables, y)
        end = max(float(x.max()), 1e-9)
        axes.set(xlim=(-0.04 * end, 1.04 * end), xlabel=f"{unit} since the sweep began")
        set_ticks(axes.xaxis, round_ticks(0, 1.04 * end))
        picture = svg(figure, "history", tables)
    return Panel(
        title,
        picture,
        "Each point is a trial at its end; the line is the best so far"
        + (" of those that were not pruned." if tables.count("complete") else "."),
    )


def draw_over_budget(tables: StudyTables) -> Panel:
    """Draw the expected best value against the number of trials."""
    title = "Would fewer trials have done?"
    values = tables.contenders["value"].to_numpy(float)
    if len(values) < 5:
        return Panel(title, None, "Fewer than 5 trials have a value to compare: too few to ask.")
    expected = expected_best(values) if tables.maximised else -expected_best(-values)
    scale = ValueScale(tables)
    best = scale.position(expected)
    k = np.arange(1, len(values) + 1)
    half = wording.value(tables.objective, expected[len(values) // 2 - 1])
    with canvas() as (figure, axes):
        baseline_rule(axes, tables)
        axes.plot(k, best, color=ACCENT, linewidth=1.6)
        axes.scatter(k[[-1]], best[[-1]], s=40, marker="D", color=BEST, zorder=5)
        levels = [] if tables.baseline is None else [scale.position(tables.baseline.value)]
        value_axis(axes, tables, np.append(best, levels))
        set_ticks(axes.xaxis, round_ticks(1, len(values), whole=True))
        axes.set_xlabel("trials drawn by lot")
        picture = svg(figure, "budget")
    return Panel(
        title,
        picture,
        f"The best that so many of the {wording.many(len(values), 'trial')} find on average: half "
        f"of them, {half}. A line still rising at its end asks "
        "for more trials.",
    )
