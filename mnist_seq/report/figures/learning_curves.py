"""Figures of learning curves (all trials, best trial) and of the best epochs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.axes import set_ticks, value_axis
from mnist_seq.report.figures.scales import ValueScale, framed, round_ticks
from mnist_seq.report.figures.style import (
    ACCENT,
    BEST,
    DASHED,
    INK,
    MANY,
    TRIAL,
    Panel,
    canvas,
    svg,
)

MOST_BARS = 30


def draw_best_epochs(tables: StudyTables) -> Panel:
    """A histogram of the complete trials' best epochs."""
    title = "Best epochs"
    complete = tables.scored[tables.scored["state"] == "complete"]
    epochs = complete["best_epoch"].dropna().to_numpy(float)
    if not len(epochs):
        return Panel(title, None, "No trial ran to its end, so no best epoch is known.")
    last = float(complete["epochs"].max())
    width = max(1, int(np.ceil(last / MOST_BARS)))
    edges = np.arange(0.5, last + width, width)
    counts, _ = np.histogram(epochs, edges)
    with canvas(210) as (figure, axes):
        axes.bar(edges[:-1], counts, width=0.86 * width, align="edge", color=ACCENT)
        axes.set(xlim=(0.4, edges[-1] + 0.1), xlabel="best epoch")
        axes.set(ylim=(0, 1.1 * counts.max()), ylabel="complete trials")
        set_ticks(axes.xaxis, round_ticks(1, max(last, 2.0), whole=True))
        set_ticks(axes.yaxis, round_ticks(0, float(counts.max()), whole=True, gap=0.2))
        picture = svg(figure, "best-epochs")
    at_end = int((complete["best_epoch"] == complete["epochs"]).sum())
    return Panel(
        title,
        picture,
        f"{wording.many(at_end, 'trial')} of {len(complete):,} "
        f"{wording.agreeing(at_end, 'was best in its', 'were best in their')} very last epoch. "
        "Trials may be of different lengths.",
    )


def draw_all_trials(tables: StudyTables) -> Panel:
    """The objective after each epoch, one line a trial."""
    from matplotlib.collections import LineCollection

    title = "All trials"
    scale = ValueScale(tables)
    states = dict(zip(tables.trials["number"], tables.trials["state"], strict=True))
    lines: dict[int, NDArray[np.float64]] = {}
    for number in states:
        curve = tables.curve(number)
        heights = scale.position(curve[tables.objective].to_numpy(float))
        points = np.column_stack([curve["epoch"].to_numpy(float), heights])
        points = points[np.isfinite(points).all(axis=1)]
        if len(points):
            lines[number] = points
    if not lines:
        return Panel(title, None, "No trial finished an epoch, so there is no curve to draw.")
    special = {t.number for t in (tables.best, tables.baseline) if t is not None}
    running = [n for n in lines if states[n] == "running"]
    ordinary = [n for n in lines if n not in special and n not in running]
    with canvas(290) as (figure, axes):
        thin = LineCollection(
            [lines[n] for n in ordinary],
            colors=[TRIAL] * len(ordinary),
            linewidths=[1.0 if states[n] == "complete" else 0.5 for n in ordinary],
            alpha=max(0.08, min(0.6, 30 / max(len(ordinary), 1))),
            rasterized=len(ordinary) > MANY,
        )
        axes.add_collection(thin)
        # A curve of one epoch has no length: it is a dot.
        dots = np.array([lines[n][0] for n in ordinary if len(lines[n]) == 1]).reshape(-1, 2)
        axes.scatter(*dots.T, s=5, color=TRIAL, alpha=0.6, rasterized=len(dots) > MANY)
        for trial, color, style in ((tables.baseline, INK, DASHED), (tables.best, BEST, "solid")):
            if trial is not None and trial.number in lines:
                points = lines[trial.number]
                axes.plot(*points.T, color=color, linewidth=1.8, linestyle=style, zorder=4)
                at_best = points[points[:, 0] == trial.best_epoch]
                axes.scatter(*at_best.T, s=30, color=color, zorder=5)
        for number in running:
            axes.plot(*lines[number].T, color=ACCENT, linewidth=1.4, zorder=4)
            axes.scatter(*lines[number][-1], s=24, color=ACCENT, zorder=5)
        points = np.concatenate(list(lines.values()))
        _epochs_axis(axes, points[:, 0])
        value_axis(axes, tables, points[:, 1])
        picture = svg(figure, "curves")
    return Panel(
        title,
        picture,
        "The best trial in colour, the baseline dashed, each with a dot at its best epoch; pruned "
        "trials are thinner and end early."
        + (" Trials that run are blue, with a dot where they are." if running else ""),
    )


def draw_best_trial(tables: StudyTables) -> Panel:
    """Draw the best trial's training and validation loss."""
    title = "The best trial: training and validation"
    if tables.best is None:
        return Panel(title, None, "No trial reached a value, so none is the best.")
    curve = tables.curve(tables.best.number)
    epochs = curve["epoch"].to_numpy(float)
    if len(curve) < 2:
        return Panel(title, None, "The best trial has one epoch or none: too short for a curve.")
    losses = curve[["train_loss", "validation_loss"]].to_numpy(float)
    heights = np.log10(np.maximum(losses, 1e-9))
    with canvas() as (figure, axes):
        axes.plot(epochs, heights[:, 0], color=ACCENT, linewidth=1.6, label="training")
        axes.plot(epochs, heights[:, 1], color=BEST, linewidth=1.6, label="validation")
        if tables.best.best_epoch is not None:
            axes.axvline(tables.best.best_epoch, color=BEST, linewidth=0.8, linestyle=":")
        low, high = framed(heights, 0.07, 0.1)
        axes.set(ylim=(low, high), ylabel="loss")
        set_ticks(axes.yaxis, round_ticks(low, high, log=True))
        _epochs_axis(axes, epochs)
        axes.legend(frameon=False, loc="upper right", labelcolor="linecolor", handlelength=1.2)
        picture = svg(figure, "best-curve")
    return Panel(
        title,
        picture,
        f"Trial {tables.best.number}, with a dotted line at its best epoch, "
        f"{wording.setting(tables.best.best_epoch)}. Where validation turns up while training "
        "goes on falling, the network memorises its training images.",
    )


def _epochs_axis(axes: Any, epochs: NDArray[np.float64]) -> None:
    axes.set(xlim=framed(epochs, 0.04, 0.5), xlabel="epoch")
    set_ticks(axes.xaxis, round_ticks(epochs.min(), epochs.max(), whole=True))
