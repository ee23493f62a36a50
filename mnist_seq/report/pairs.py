"""Pairs of hyperparameters that act together, as a map of how good trials were where."""

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report import wording
from mnist_seq.report.drawing import (
    INK,
    Panel,
    canvas,
    hyperparameter_axis,
    scatter,
    set_ticks,
    svg,
)
from mnist_seq.report.importance import LEAST_TRIALS, weigh
from mnist_seq.report.scales import Hyperparameter, ValueScale, hyperparameter, thinned
from mnist_seq.report.tables import StudyTables

SHOWN = 3
CELLS = 40
SHADES = ["#faf8ef", "#d3e4da", "#93c1c6", "#4f93b3"]  # light enough for points to be seen on
BANDWIDTH = 0.13  # of an axis' length: how far a trial speaks for its surroundings
NEAR = 2.2  # bandwidths beyond which nothing is claimed


def draw(tables: StudyTables) -> list[Panel]:
    title = "Pairs that interact"
    if len(tables.space) < 2:
        return [Panel(title, None, "With one hyperparameter there are no pairs.")]
    importances = weigh(tables)
    if importances is None or not importances.pairs:
        return [
            Panel(
                title,
                None,
                f"Pairs need {LEAST_TRIALS} trials with values that differ and two hyperparameters "
                f"that were varied; there are {wording.many(len(tables.scored), 'such trial')}.",
            )
        ]
    panels: list[Panel] = []
    for index, (first, second) in enumerate(importances.interacting()[:SHOWN]):
        if panels and importances.pair_interval((first, second))[0] <= 0:
            break  # one map that may be chance shows what was looked for; more would mislead
        low, mean, high = importances.pair_interval((first, second))
        verdict = "" if low > 0 else " The interval holds zero: this may be chance."
        note = f"Interaction {mean:.2f} of R² (90 % interval {low:.2f} to {high:.2f}).{verdict}"
        pair = (hyperparameter(tables, first), hyperparameter(tables, second))
        picture = _map(tables, *pair, f"pair-{index}")
        panels.append(
            Panel(f"{first} {wording.TIMES} {second}", picture, note.replace("-", wording.MINUS))
        )
    return panels


def local_mean(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    values: NDArray[np.float64],
    at_x: NDArray[np.float64],
    at_y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Kernel-weighted mean of the values around each place; NaN where no trial is near.

    Parameters
    ----------
    x, y, values : float, shape (N,)
        The trials; both axes have length 1.
    at_x, at_y : float, shape (P,)
        The places.

    Returns
    -------
    float, shape (P,)

    References
    ----------
    Nadaraya, "On Estimating Regression", Theory of Probability & Its Applications 9 (1964), eq. 2.
    """
    squared_PN = (at_x[:, None] - x) ** 2 + (at_y[:, None] - y) ** 2
    weights_PN = np.exp(-squared_PN / (2 * BANDWIDTH**2))
    means = weights_PN @ values / np.maximum(weights_PN.sum(axis=1), 1e-300)
    return np.where(squared_PN.min(axis=1) <= (NEAR * BANDWIDTH) ** 2, means, np.nan)


def _map(tables: StudyTables, right: Hyperparameter, up: Hyperparameter, name: str) -> str:
    from matplotlib.colors import LinearSegmentedColormap

    scale = ValueScale(tables)
    heights = scale.position(tables.scored["value"].to_numpy())
    known = right.active & up.active
    # Hopeless trials would take all the colours for themselves.
    floor, top = float(np.quantile(heights[known], 0.2)), float(heights[known].max())
    if top - floor < 1e-9:
        floor, top = floor - 0.05, top + 0.05
    grid = [_cells(axis) for axis in (right, up)]
    mesh_x, mesh_y = np.meshgrid(*grid)
    means = local_mean(
        _unit(right, right.positions[known]),
        _unit(up, up.positions[known]),
        np.clip(heights[known], floor, None),
        _unit(right, mesh_x.ravel()),
        _unit(up, mesh_y.ravel()),
    ).reshape(mesh_x.shape)
    with canvas(300) as (figure, axes):
        colors = LinearSegmentedColormap.from_list("better", SHADES)
        levels = np.linspace(floor, top, 10)
        if right.categories or up.categories:
            drawn = axes.pcolormesh(
                *grid, means, cmap=colors, vmin=floor, vmax=top, rasterized=True
            )
        else:
            drawn = axes.contourf(*grid, np.clip(means, floor, top), levels=levels, cmap=colors)
        axes.grid(visible=False)
        scatter(axes, tables, *[_spread(h) for h in (right, up)], color=INK, alpha=0.5)
        hyperparameter_axis(axes, right)
        axes.set_xlabel(wording.shortened(right.path, 44))
        axes.set_ylim(*up.frame)
        positions, labels = thinned(up.ticks(), 12)
        set_ticks(axes.yaxis, (positions, [wording.shortened(label, 11) for label in labels]))
        axes.set_ylabel(wording.shortened(up.path, 36), labelpad=7)
        bar = figure.colorbar(drawn, ax=axes, location="top", aspect=40, pad=0.02, shrink=0.9)
        bar.outline.set_visible(False)
        set_ticks(bar.ax.xaxis, scale.ticks(floor, top, gap=0.2))
        bar.set_label(f"{tables.objective.replace('_', ' ')}, mean of the trials around", color=INK)
        return svg(figure, name, tables)


def _cells(axis: Hyperparameter) -> NDArray[np.float64]:
    if axis.categories:
        return np.arange(len(axis.categories), dtype=float)
    return np.linspace(*axis.frame, CELLS)


def _unit(axis: Hyperparameter, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions on an axis of length 1; choices so far apart that none speaks for another."""
    if axis.categories:
        return positions * 10 * BANDWIDTH
    low, high = axis.frame
    return (positions - low) / (high - low)


def _spread(axis: Hyperparameter) -> NDArray[np.float64]:
    jitter = 0.5 * ((np.arange(len(axis.positions)) * 0.618034) % 1 - 0.5)
    return axis.positions + jitter if axis.categories else axis.positions
