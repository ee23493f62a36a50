"""Figures of hyperparameter importances with intervals, and of interacting pairs."""

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.effects import predicted_error
from mnist_seq.report.analysis.hyperparameters import Hyperparameter, hyperparameter
from mnist_seq.report.analysis.importance import STRONG, variance_importance
from mnist_seq.report.analysis.study_model import LEAST_TRIALS, SAMPLES, study_model
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures import scales
from mnist_seq.report.figures.axes import hide_y, hyperparameter_axis, jitter, scatter, set_ticks
from mnist_seq.report.figures.style import ACCENT, INK, Panel, canvas, color_map, svg

MOST_MAPS = 3
CELLS = 40
SHADES = ["#faf8ef", "#d3e4da", "#93c1c6", "#4f93b3"]  # light enough for points to be seen on
HOPELESS = 0.2  # share of a map, its worst part, that is drawn in one colour


def draw_importance(tables: StudyTables) -> Panel:
    """Draw each hyperparameter's importance with its interval, the highest on top."""
    title = "Importance"
    if len(tables.space) < 2:
        return Panel(title, None, "With one hyperparameter there is nothing to rank.")
    count, importances = len(tables.scored), variance_importance(tables)
    if importances is None:
        needed = f"Importances need {LEAST_TRIALS} trials with values that differ"
        there = f"there {wording.agreeing(count, 'is', 'are')} {count}"
        return Panel(title, None, f"{needed}; {there}.")
    order = sorted(importances.paths, key=lambda path: importances.interval(path)[1])
    with canvas(70 + 34 * len(order)) as (figure, axes):
        box = {"facecolor": "white", "alpha": 0.9, "pad": 0.8, "linewidth": 0}
        spans = [importances.interval(path) for path in order]
        for height, (path, (low, mean, high)) in enumerate(zip(order, spans, strict=True)):
            axes.plot([low, high], [height, height], color=ACCENT, linewidth=1.4, alpha=0.6)
            axes.scatter([mean], [height], s=44, color=ACCENT, zorder=4)
            # The name stands above its own line: beside it, long names would leave no room.
            name = wording.shortened(path, 48)
            axes.text(0.0, height + 0.2, name, transform=axes.get_yaxis_transform(), bbox=box)
        axes.axvline(0, color=INK, linewidth=0.8)
        low, high = scales.framed(np.array(spans)[:, [0, 2]], 0.05, 0.1)
        ends = {"xlim": (low, high), "ylim": (-0.5, len(order) - 0.1)}
        axes.set(xlabel="share of the variance", **ends)
        set_ticks(axes.xaxis, scales.round_ticks(low, high))
        hide_y(axes)
        picture = svg(figure, "importance")
    fitted = study_model(tables)
    assert fitted is not None  # as there are importances
    explained = wording.share(max(fitted.explained, 0))
    return Panel(
        title,
        picture,
        "How much of the variance of the (logarithmic) error after a whole training goes with each "
        f"hyperparameter, alone or with others: mean and 90 % interval over {SAMPLES} bootstrap "
        f"samples of the trials. On trials left out whole, the settings explain {explained} of "
        "what the progress of training does not.",
    )


def draw_pairs(tables: StudyTables) -> list[Panel]:
    """Draw maps of the objective over the most strongly interacting pairs, strongest first."""
    title = "Pairs that interact"
    if len(tables.space) < 2:
        return [Panel(title, None, "With one hyperparameter there are no pairs.")]
    count, importances = len(tables.scored), variance_importance(tables)
    if importances is None or not importances.pairs:
        why = (
            f"Pairs need {LEAST_TRIALS} trials with values that differ and two hyperparameters "
            f"that were varied; there {wording.agreeing(count, 'is', 'are')} "
            f"{wording.many(count, 'such trial')}."
        )
        return [Panel(title, None, why)]
    panels: list[Panel] = []
    for index, (first, second) in enumerate(importances.interacting()[:MOST_MAPS]):
        low, mean, high = importances.pair_interval((first, second))
        if panels and low <= STRONG:
            break  # one map that may be chance shows what was looked for; more would mislead
        below = f" It reaches below {wording.share(STRONG)}: this may be chance."
        verdict = "" if low > STRONG else below
        share, *ends = (wording.share(part) for part in (mean, low, high))
        note = (
            f"{share} of the variance goes with both together only (90 % interval "
            f"{' to '.join(ends)}).{verdict}"
        )
        title = f"{first} {wording.TIMES} {second}"
        pair = hyperparameter(tables, first), hyperparameter(tables, second)
        picture = _map(tables, *pair, f"pair-{index}")
        panels.append(Panel(title, picture, note.replace("-", wording.MINUS)))
    return panels


def _map(tables: StudyTables, right: Hyperparameter, up: Hyperparameter, name: str) -> Markup:
    scale = scales.ValueScale(tables)
    grid = [_cells(axis) for axis in (right, up)]
    errors = predicted_error(tables, (right, up), *grid)
    means = scale.position(1 - errors if tables.maximised else errors)
    # Hopeless settings would take all the colours for themselves.
    floor, top = float(np.quantile(means, HOPELESS)), float(means.max())
    if top - floor < 1e-9:
        floor, top = floor - 0.05, top + 0.05
    means = np.clip(means, floor, top)
    with canvas(300) as (figure, axes):
        colors = color_map(SHADES)
        levels = np.linspace(floor, top, 10)
        if right.categories or up.categories:
            drawn = axes.pcolormesh(
                *grid, means, cmap=colors, vmin=floor, vmax=top, rasterized=True
            )
        else:
            drawn = axes.contourf(*grid, means, levels=levels, cmap=colors)
        axes.grid(visible=False)
        scatter(axes, tables, jitter(right, 0.5), jitter(up, 0.5), color=INK, alpha=0.5)
        hyperparameter_axis(axes, right)
        axes.set_xlabel(wording.shortened(right.path, 44))
        axes.set_ylim(*up.frame)
        positions, labels = scales.thinned(scales.hyperparameter_ticks(up), 12)
        set_ticks(axes.yaxis, (positions, [wording.shortened(label, 11) for label in labels]))
        axes.set_ylabel(wording.shortened(up.path, 36), labelpad=7)
        bar = figure.colorbar(drawn, ax=axes, location="top", aspect=40, pad=0.02, shrink=0.9)
        bar.outline.set_visible(False)
        set_ticks(bar.ax.xaxis, scale.ticks(floor, top, gap=0.2))
        bar.set_label(f"predicted {tables.objective.replace('_', ' ')}", color=INK)
        return svg(figure, name, tables)


def _cells(axis: Hyperparameter) -> NDArray[np.float64]:
    if axis.categories:
        return np.arange(len(axis.categories), dtype=float)
    return np.linspace(*axis.frame, CELLS)
