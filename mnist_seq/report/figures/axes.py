"""Shared plot elements: scatter of trials, axes of objective and hyperparameters."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.analysis.hyperparameters import Hyperparameter
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.scales import Ticks, ValueScale, framed, hyperparameter_ticks
from mnist_seq.report.figures.style import BEST, DASHED, INK, MANY, TRIAL, WIDTH


def scatter(
    axes: Any,
    tables: StudyTables,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    color: str = TRIAL,
    alpha: float = 0.9,
) -> None:
    """Draw each scored trial as a point: filled if complete, hollow if pruned, best on top.

    Each point leads to the trial's row in the table of trials.
    """
    shown = np.isfinite(x) & np.isfinite(y)
    if not shown.any():
        return
    trials = tables.scored
    hollow = (trials["state"] == "pruned").to_numpy()
    # A colour for each point, though alike, keeps matplotlib from dropping the points' links.
    points = axes.scatter(
        x[shown],
        y[shown],
        s=16,
        facecolors=np.where(hollow, "#ffffff", color)[shown],
        edgecolors=[color] * int(shown.sum()),
        linewidths=0.8,
        alpha=alpha if len(trials) <= MANY else alpha / 2,
        rasterized=len(trials) > MANY,
        zorder=3,
    )
    if len(trials) <= MANY:
        points.set_urls([f"#trial-{number}" for number in trials["number"][shown]])
    special = [(tables.baseline, "s", INK, 34), (tables.best, "D", BEST, 40)]
    for trial, marker, own_color, size in special:
        if trial is None:
            continue
        here = shown & (trials["number"] == trial.number).to_numpy()
        if here.any():
            mark = axes.scatter(x[here], y[here], s=size, marker=marker, color=own_color, zorder=5)
            mark.set_urls([f"#trial-{trial.number}"])


def value_axis(axes: Any, tables: StudyTables, positions: NDArray[np.float64]) -> None:
    """Set up the y axis for the objective, wide enough for all given positions."""
    low, high = framed(positions, 0.07, 0.1)
    axes.set_ylim(low, high)
    set_ticks(axes.yaxis, ValueScale(tables).ticks(low, high))
    axes.set_ylabel(tables.objective.replace("_", " "), labelpad=6)


def hyperparameter_axis(axes: Any, hyperparameter: Hyperparameter) -> None:
    """Set up the x axis for a hyperparameter, over its whole range."""
    axes.set_xlim(*hyperparameter.frame)
    positions, labels = hyperparameter_ticks(hyperparameter)
    set_ticks(axes.xaxis, (positions, labels))
    room = WIDTH * 0.8 / max(len(labels), 1)
    if hyperparameter.categories and max(map(len, labels)) * 6.3 > room:
        axes.tick_params(axis="x", rotation=40 if room > 18 else 90)
        if room > 18:
            for label in axes.get_xticklabels():
                label.set(horizontalalignment="right", rotation_mode="anchor")


def jitter(hyperparameter: Hyperparameter, width: float) -> NDArray[np.float64]:
    """The trials' axis positions, with deterministic jitter where values are choices."""
    if not hyperparameter.categories:
        return hyperparameter.positions
    golden = (np.arange(len(hyperparameter.positions)) * 0.618034) % 1
    return hyperparameter.positions + width * (golden - 0.5)


def set_ticks(axis: Any, ticks: Ticks) -> None:
    """Set the major ticks and turn minor ticks off."""
    axis.set_ticks(*ticks)
    axis.minorticks_off()


def hide_y(axes: Any) -> None:
    """Hide the y axis with its ticks and grid."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")


def baseline_rule(axes: Any, tables: StudyTables) -> None:
    """Draw a dashed line at the baseline's value, if there is one."""
    if tables.baseline is not None:
        height = float(ValueScale(tables).position(tables.baseline.value))
        axes.axhline(height, color=INK, linewidth=0.9, linestyle=DASHED, zorder=2)
