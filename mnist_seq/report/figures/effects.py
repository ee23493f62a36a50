"""Figures of the predicted objective over each hyperparameter, with 90 % bands."""

from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.effects import Effect, Response, effects
from mnist_seq.report.analysis.study_model import LEAST_TRIALS
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.axes import hyperparameter_axis, set_ticks
from mnist_seq.report.figures.scales import ValueScale, framed
from mnist_seq.report.figures.style import ACCENT, BEST, DASHED, INK, PALE, Panel, canvas, svg


def draw_effects(tables: StudyTables) -> list[Panel]:
    """A figure for each hyperparameter that was varied, all on one axis of the objective."""
    found = effects(tables)
    if not found:
        needed = f"It takes {LEAST_TRIALS} trials with values that differ"
        count = len(tables.scored)
        there = f"there {wording.agreeing(count, 'is', 'are')} {count}"
        return [Panel("", None, f"{needed}; {there}.")]
    heights = np.concatenate([_heights(tables, e.at_best) for e in found.values()], axis=1)
    frame = framed(heights, 0.05, 0.1)
    return [
        Panel(path, _draw(tables, effect, frame, index), _note(effect))
        for index, (path, effect) in enumerate(found.items())
    ]


def _draw(tables: StudyTables, effect: Effect, frame: tuple[float, float], index: int) -> Markup:
    h = effect.hyperparameter
    opacity = 1.0 if effect.is_significant else PALE
    low, middle, high = _heights(tables, effect.at_best)
    average = _height(tables, effect.on_average)
    with canvas(230) as (figure, axes):
        if h.ordered:
            axes.fill_between(effect.positions, low, high, color=ACCENT, alpha=0.18 * opacity)
            axes.plot(effect.positions, middle, color=ACCENT, linewidth=2, alpha=opacity)
            axes.plot(effect.positions, average, color=INK, linewidth=1, linestyle=DASHED)
        else:
            bars = np.stack([middle - low, high - middle])
            axes.errorbar(
                *(effect.positions, middle, bars), color=ACCENT, fmt="o", capsize=4, alpha=opacity
            )
            axes.scatter(effect.positions, average, marker="_", s=160, color=INK)
        _mark_best(axes, tables, effect, middle)
        axes.set_ylim(*frame)
        set_ticks(axes.yaxis, ValueScale(tables).ticks(*frame))
        axes.set_ylabel(tables.objective.replace("_", " "), labelpad=6)
        hyperparameter_axis(axes, h)
        return svg(figure, f"effect-{index}", tables)


def _mark_best(axes: Any, tables: StudyTables, effect: Effect, middle: NDArray[np.float64]) -> None:
    """Mark the best trial's own value on the line, if the hyperparameter is active in it."""
    assert tables.best is not None  # else there were no effects
    value = tables.best.settings[effect.hyperparameter.path]
    position = effect.hyperparameter.position(value)
    if np.isfinite(position):
        height = np.interp(position, effect.positions, middle)
        mark = axes.scatter([position], [height], s=40, marker="D", color=BEST, zorder=5)
        mark.set_urls([f"#trial-{tables.best.number}"])


def _heights(tables: StudyTables, response: Response) -> NDArray[np.float64]:
    """Axis positions of the band's lower end, the prediction and the upper end, shape (3, G)."""
    low, high = response.band
    return _height(tables, np.stack([high, response.error, low]))


def _height(tables: StudyTables, errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Axis positions of errors, of the same shape."""
    return ValueScale(tables).position(1 - errors if tables.maximised else errors)


def _note(effect: Effect) -> str:
    conditions = effect.hyperparameter.dimension.when.items()
    when = [f"{path}={wording.setting(value)}" for path, value in conditions]
    told = "" if effect.is_significant else "These differences may be chance."
    return " ".join([*([f"With {wording.listing(when)}."] if when else []), told]).strip()
