"""Learning curves: all trials in one picture, and the best one's training beside its validation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report import wording
from mnist_seq.report.drawing import (
    ACCENT,
    BEST,
    INK,
    MANY,
    TRIAL,
    Panel,
    canvas,
    set_ticks,
    svg,
    value_axis,
)
from mnist_seq.report.scales import ValueScale, round_ticks
from mnist_seq.report.tables import StudyTables


def draw(tables: StudyTables) -> list[Panel]:
    return [_all_trials(tables), _best_trial(tables)]


def _all_trials(tables: StudyTables) -> Panel:
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
    ordinary = [n for n in lines if n not in special]
    with canvas(290) as (figure, axes):
        axes.add_collection(
            LineCollection(
                [lines[n] for n in ordinary],
                colors=[TRIAL] * len(ordinary),
                linewidths=[1.0 if states[n] == "complete" else 0.5 for n in ordinary],
                alpha=max(0.08, min(0.6, 30 / max(len(ordinary), 1))),
                rasterized=len(ordinary) > MANY,
            )
        )
        # A curve of one epoch has no length: it is a dot.
        dots = np.array([lines[n][0] for n in ordinary if len(lines[n]) == 1]).reshape(-1, 2)
        axes.scatter(*dots.T, s=5, color=TRIAL, alpha=0.6, rasterized=len(dots) > MANY)
        for trial, color, style in (
            (tables.baseline, INK, (0, (4, 3))),
            (tables.best, BEST, "solid"),
        ):
            if trial is not None and trial.number in lines:
                points = lines[trial.number]
                axes.plot(*points.T, color=color, linewidth=1.8, linestyle=style, zorder=4)
                at_best = points[points[:, 0] == trial.best_epoch]
                axes.scatter(*at_best.T, s=30, color=color, zorder=5)
        points = np.concatenate(list(lines.values()))
        _epochs_axis(axes, points[:, 0])
        value_axis(axes, tables, points[:, 1])
        picture = svg(figure, "curves")
    return Panel(
        title,
        picture,
        "The best trial in colour, the baseline dashed, each with a dot at its best epoch; pruned "
        "trials are thinner and end early.",
    )


def _best_trial(tables: StudyTables) -> Panel:
    title = "The best trial: training and validation"
    if tables.best is None:
        return Panel(title, None, "No trial reached a value, so none is the best.")
    curve = tables.curve(tables.best.number)
    columns = [("train_loss", ACCENT, "training"), ("validation_loss", BEST, "validation")]
    epochs = curve["epoch"].to_numpy(float)
    if len(curve) < 2:
        return Panel(title, None, "The best trial has one epoch or none: too short for a curve.")
    with canvas() as (figure, axes):
        heights = []
        for column, color, label in columns:
            logs = np.log10(np.maximum(curve[column].to_numpy(float), 1e-9))
            heights.append(logs)
            axes.plot(epochs, logs, color=color, linewidth=1.6, label=label)
        if tables.best.best_epoch is not None:
            axes.axvline(tables.best.best_epoch, color=BEST, linewidth=0.8, linestyle=":")
        found = np.concatenate(heights)
        found = found[np.isfinite(found)]
        margin = 0.07 * (found.max() - found.min()) or 0.1
        low, high = float(found.min() - margin), float(found.max() + margin)
        axes.set_ylim(low, high)
        set_ticks(axes.yaxis, round_ticks(low, high, log=True))
        axes.set_ylabel("loss")
        _epochs_axis(axes, epochs)
        axes.legend(frameon=False, loc="upper right", labelcolor="linecolor", handlelength=1.2)
        picture = svg(figure, "best-curve")
    return Panel(
        title,
        picture,
        f"Trial {tables.best.number}, with a dotted line at its best epoch, "
        f"{wording.setting(tables.best.best_epoch)}. Where validation turns up while training "
        "goes on falling, the network learns its training images by heart.",
    )


def _epochs_axis(axes: Any, epochs: NDArray[np.float64]) -> None:
    low, high = float(epochs.min()), float(epochs.max())
    margin = 0.04 * (high - low) or 0.5
    axes.set_xlim(low - margin, high + margin)
    set_ticks(axes.xaxis, round_ticks(low, high, whole=True))
    axes.set_xlabel("epoch")
