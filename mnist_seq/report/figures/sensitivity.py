"""Figures of a sensitivity analysis: a response curve each, and a grid for each pair."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.measured_interaction import Interaction
from mnist_seq.report.analysis.predictions import Prediction
from mnist_seq.report.analysis.sensitivity import Measurements, ResponseCurve
from mnist_seq.report.figures.axes import set_ticks
from mnist_seq.report.figures.importance import SHADES
from mnist_seq.report.figures.scales import ValueScale, framed
from mnist_seq.report.figures.style import (
    ACCENT,
    BEST,
    INK,
    PALE,
    RULE,
    TRIAL,
    Panel,
    canvas,
    color_map,
    svg,
)


def draw_responses(
    measured: Measurements,
    curves: Sequence[ResponseCurve],
    predictions: Mapping[str, Prediction],
) -> list[Panel]:
    """A figure for each hyperparameter, all on one axis of the objective."""
    if not curves:  # pairs alone were asked for
        return []
    scale = ValueScale(measured)
    seen = np.concatenate([np.concatenate(curve.seeds) for curve in curves])
    frame = framed(scale.position(seen), 0.06, 0.1)
    return [
        Panel(
            curve.path,
            _response(measured, curve, predictions.get(curve.path), frame, index),
            _note(curve),
        )
        for index, curve in enumerate(curves)
    ]


def _response(
    measured: Measurements,
    curve: ResponseCurve,
    predicted: Prediction | None,
    frame: tuple[float, float],
    index: int,
) -> Markup:
    scale, opacity = ValueScale(measured), 1.0 if curve.is_significant else PALE
    x = np.arange(len(curve.values))
    low, middle, high = (scale.position(curve.mean_V + sign * curve.error_V) for sign in (-1, 0, 1))
    ends = np.abs(np.stack([middle - low, high - middle]))
    with canvas(230) as (figure, axes):
        if predicted is not None:
            _draw_prediction(axes, measured, curve, predicted)
        for place, values_R in zip(x, curve.seeds, strict=True):
            heights = scale.position(values_R)
            axes.scatter([place] * len(heights), heights, s=9, color=TRIAL, alpha=0.55, zorder=2)
        axes.errorbar(
            *(x, middle, ends),
            color=ACCENT,
            fmt="-o" if curve.is_ordered else "o",
            markersize=4,
            capsize=4,
            linewidth=1.8,
            alpha=opacity,
        )
        axes.scatter([curve.chosen], [middle[curve.chosen]], s=44, marker="D", color=BEST, zorder=5)
        axes.set_xlim(-0.5, len(x) - 0.5)
        _name_values(axes, curve.values)
        axes.set_ylim(*frame)
        set_ticks(axes.yaxis, scale.ticks(*frame))
        axes.set_ylabel(measured.objective.replace("_", " "), labelpad=6)
        return svg(figure, f"response-{index}")


def _draw_prediction(
    axes: Any, measured: Measurements, curve: ResponseCurve, predicted: Prediction
) -> None:
    """The 90 % band that the search had predicted, behind what was measured."""
    errors = predicted.response.band
    low, high = (
        ValueScale(measured).position(1 - error if measured.maximised else error)
        for error in errors[::-1]
    )
    x = np.arange(len(curve.values))
    if curve.is_ordered:
        axes.fill_between(x, low, high, color=RULE, alpha=0.7, linewidth=0, zorder=1)
    else:
        axes.bar(x, high - low, 0.5, low, color=RULE, alpha=0.7, zorder=1)


def draw_interactions(measured: Measurements, found: Sequence[Interaction]) -> list[Panel]:
    """A grid of mean values for each pair of hyperparameters."""
    return [
        Panel(" \N{MULTIPLICATION SIGN} ".join(each.paths), _grid(measured, each, index))
        for index, each in enumerate(found)
    ]


def _grid(measured: Measurements, found: Interaction, index: int) -> Markup:
    heights = ValueScale(measured).position(found.mean_LC)
    with canvas(max(230, 60 + 42 * len(found.second))) as (figure, axes):
        axes.imshow(heights, cmap=color_map(SHADES), aspect="auto", origin="lower")
        axes.grid(visible=False)
        for line, column in zip(*np.nonzero(np.isfinite(heights)), strict=True):
            text = wording.value(measured.objective, float(found.mean_LC[line, column]))
            axes.text(column, line, text, ha="center", va="center", color=INK, fontsize=9)
        _name_values(axes, found.first)
        axes.set_xlabel(wording.shortened(found.paths[0], 44))
        labels = [wording.shortened(wording.setting(value), 11) for value in found.second]
        set_ticks(axes.yaxis, (list(range(len(labels))), labels))
        axes.set_ylabel(wording.shortened(found.paths[1], 24), labelpad=7)
        return svg(figure, f"grid-{index}")


def _name_values(axes: Any, values: Sequence[Any]) -> None:
    """Put the values under their places on the x axis, aslant where they are long."""
    labels = [wording.shortened(wording.setting(value), 18) for value in values]
    set_ticks(axes.xaxis, (list(range(len(labels))), labels))
    if max(map(len, labels)) * len(labels) > 48:
        for label in axes.get_xticklabels():
            label.set(rotation=40, horizontalalignment="right", rotation_mode="anchor")


def _note(curve: ResponseCurve) -> str:
    return "" if curve.is_significant else "These differences may be luck."
