"""How the search went: values over time, and what fewer trials would have found."""

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report import wording
from mnist_seq.report.drawing import (
    ACCENT,
    BEST,
    MUTED,
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
    return [_over_time(tables), _over_budget(tables)]


def expected_best(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the largest of k values drawn without replacement, for k from 1 to all.

    Parameters
    ----------
    values : float, shape (N,)
        At least one.

    Returns
    -------
    float, shape (N,)
        The sum over the ascending values x_i of x_i times (C(i, k) - C(i - 1, k)) / C(N, k).
    """
    ascending = np.sort(values)
    count = len(ascending)
    rank = np.arange(count + 1.0)  # how many values are at most x_i
    share_below = np.ones(count + 1)
    best = []
    for k in range(count):
        share_below = share_below * np.maximum(rank - k, 0) / (count - k)
        best.append(float(np.diff(share_below) @ ascending))
    return np.asarray(best)


def _over_time(tables: StudyTables) -> Panel:
    title = "Found over time"
    trials = tables.scored
    if trials.empty:
        return Panel(title, None, "No trial reached a value, so there is no history to draw.")
    seconds = trials["finished"].to_numpy(float)
    seconds = np.where(np.isfinite(seconds), seconds, np.nanmax([0.0, *seconds]))
    unit, divisor = next(
        (u, d)
        for u, d in (("hours", 3600), ("minutes", 60), ("seconds", 1))
        if max(seconds) > 3 * d or d == 1
    )
    x = seconds / divisor
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
        axes.set_xlim(-0.04 * end, 1.04 * end)
        set_ticks(axes.xaxis, round_ticks(0, 1.04 * end))
        axes.set_xlabel(f"{unit} since the sweep began")
        picture = svg(figure, "history", tables)
    return Panel(
        title,
        picture,
        "Each point is a trial at its end; the line is the best so far"
        + (" of those that were not pruned." if tables.count("complete") else "."),
    )


def _over_budget(tables: StudyTables) -> Panel:
    title = "Would fewer trials have done?"
    values = tables.contenders["value"].to_numpy(float)
    if len(values) < 5:
        return Panel(title, None, "Fewer than 5 trials have a value to compare: too few to ask.")
    best = ValueScale(tables).position(_oriented_best(tables, values))
    k = np.arange(1, len(values) + 1)
    with canvas() as (figure, axes):
        baseline_rule(axes, tables)
        axes.plot(k, best, color=ACCENT, linewidth=1.6)
        axes.scatter(k[[-1]], best[[-1]], s=40, marker="D", color=BEST, zorder=5)
        shown = (
            best
            if tables.baseline is None
            else np.append(best, ValueScale(tables).position(tables.baseline.value))
        )
        value_axis(axes, tables, shown)
        set_ticks(axes.xaxis, round_ticks(1, len(values), whole=True))
        axes.set_xlabel("trials drawn by lot", color=MUTED)
        picture = svg(figure, "budget")
    half = _oriented_best(tables, values)[len(values) // 2 - 1]
    return Panel(
        title,
        picture,
        f"The best that so many of the {wording.many(len(values), 'trial')} find on average: half "
        f"of them, {wording.value(tables.objective, half)}. A line still rising at its end asks "
        "for more trials.",
    )


def _oriented_best(tables: StudyTables, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return expected_best(values) if tables.maximised else -expected_best(-values)
