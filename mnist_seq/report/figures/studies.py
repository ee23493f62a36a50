"""Figures of several studies on common axes: their bests, curves, searches and effects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.study_comparison import ComparedStudy
from mnist_seq.report.figures.axes import hide_y, set_ticks
from mnist_seq.report.figures.scales import ValueScale, framed, round_ticks
from mnist_seq.report.figures.style import ACCENT, BEST, INK, MANY, Panel, canvas, svg

COLORS = (ACCENT, BEST, "#4d7c0f", "#7b3fa0", "#a16207", INK)  # of A, B, ...
MOST_LETTERS = 24  # of a study's name in a legend


@dataclass(frozen=True)
class _Accuracies:
    """The accuracies of all studies, for one axis."""

    validation_images: int
    maximised: bool = True


def draw_bests(studies: Sequence[ComparedStudy]) -> Panel:
    """Draw the accuracy of each study's best trial with its 95 % interval."""
    title = "The best of each"
    rated = [(study, color) for study, color in _colored(studies) if study.best is not None]
    if not rated:
        return Panel(title, None, "No trial of any study reached a value.")
    with canvas(70 + 45 * len(rated)) as (figure, axes):
        for height, (study, color) in enumerate(reversed(rated)):
            middle, spread = 100 * study.accuracy, 196 * study.error
            axes.plot([middle - spread, middle + spread], [height, height], color=color, lw=1.6)
            axes.scatter([middle], [height], s=50, color=color, marker="D", zorder=4)
            axes.annotate(
                f"{study.letter} {middle:.2f} %",
                (middle, height),
                (0, 8),
                "data",
                "offset points",
                ha="center",
                color=color,
            )
        low, high = axes.get_xlim()
        room = 0.16 * (high - low)  # half a label, which is centred on its point
        middles = [100 * study.accuracy for study, _ in rated]
        low, high = min(low, min(middles) - room), max(high, max(middles) + room)
        axes.set(xlim=(low, high), xlabel="validation accuracy, %", ylim=(-0.5, len(rated) - 0.25))
        set_ticks(axes.xaxis, round_ticks(low, min(high, 100.0)))
        hide_y(axes)
        picture = svg(figure, "bests")
    return Panel(
        title,
        picture,
        "Lines: 95 % intervals from the binomial error of the validation images. That a best was "
        "chosen among many is not in them.",
    )


def draw_best_curves(studies: Sequence[ComparedStudy]) -> Panel:
    """Draw the validation accuracy of each study's best trial after each epoch."""
    title = "The best trials"
    scale = _scale(studies)
    lines = [
        (study, color, _curve(study, scale, study.best.number))
        for study, color in _colored(studies)
        if study.best is not None
    ]
    lines = [line for line in lines if len(line[2])]
    if not lines:
        return Panel(title, None, "No study has a curve to draw.")
    with canvas(260 + 10 * len(lines)) as (figure, axes):
        for study, color, points in lines:
            axes.plot(*points.T, color=color, linewidth=1.8, label=_label(study))
            assert study.best is not None
            at_best = points[points[:, 0] == study.best.best_epoch]
            axes.scatter(*at_best.T, s=30, color=color, zorder=5)
        _axes(axes, scale, np.concatenate([points for *_, points in lines]))
        _legend(figure)
        picture = svg(figure, "best-curves")
    return Panel(title, picture, "A dot at the best epoch of each.")


def draw_all_curves(studies: Sequence[ComparedStudy]) -> list[Panel]:
    """Draw the validation accuracies of all trials, a figure for each study, on the same axes."""
    from matplotlib.collections import LineCollection

    scale = _scale(studies)
    lines = {
        study.letter: [
            points
            for number in study.tables.scored["number"]
            if len(points := _curve(study, scale, int(number)))
        ]
        for study in studies
    }
    drawn = [points for each in lines.values() for points in each]
    if not drawn:
        return [Panel("", None, "No trial finished an epoch, so there is no curve to draw.")]
    panels = []
    for study, color in _colored(studies):
        own = lines[study.letter]
        with canvas(250) as (figure, axes):
            axes.add_collection(
                LineCollection(
                    own,
                    colors=[color] * len(own),
                    linewidths=0.9,
                    alpha=max(0.1, min(0.6, 30 / max(len(own), 1))),
                    rasterized=len(own) > MANY,
                )
            )
            if study.best is not None:
                best = _curve(study, scale, study.best.number)
                axes.plot(*best.T, color=color, linewidth=2.4, zorder=4)
            _axes(axes, scale, np.concatenate(drawn))
            picture = svg(figure, f"curves-{study.letter}")
        counted = wording.many(len(own), "trial")
        note = f"{counted}, the best bold." if own else "No trial with a value."
        panels.append(Panel(_label(study), picture, note))
    return panels


def draw_searches(studies: Sequence[ComparedStudy]) -> Panel:
    """Draw each study's best accuracy so far against the number of its trials."""
    title = "The best so far"
    if len({study.tables.objective for study in studies}) > 1:
        return Panel(title, None, "The studies have other objectives: no axis is common to them.")
    tables = studies[0].tables
    scale = _scale(studies) if tables.maximised else ValueScale(tables)
    steps = []
    for study, color in _colored(studies):
        # Pruned trials are judged by fewer epochs: as long as there are others, they lead nothing.
        rows = study.tables.contenders.sort_values("number")
        if len(rows):
            heights = np.maximum.accumulate(scale.position(rows["value"].to_numpy(float)))
            numbers = rows["number"].to_numpy(float) + 1
            last = float(study.tables.trials["number"].max()) + 1
            points = np.column_stack([np.append(numbers, last), np.append(heights, heights[-1])])
            steps.append((study, color, points))
    if not steps:
        return Panel(title, None, "No trial of any study reached a value.")
    with canvas(260 + 10 * len(steps)) as (figure, axes):
        for study, color, points in steps:
            axes.step(*points.T, where="post", color=color, linewidth=1.8, label=_label(study))
        _axes(axes, scale, np.concatenate([points for *_, points in steps]), "trials")
        axes.set_ylabel(tables.objective.replace("_", " "), labelpad=6)
        _legend(figure)
        picture = svg(figure, "searches")
    return Panel(title, picture, "Of trials that were not pruned, in order of their numbers.")


def _colored(studies: Sequence[ComparedStudy]) -> Iterator[tuple[ComparedStudy, str]]:
    return zip(studies, COLORS[: len(studies)], strict=True)


def _label(study: ComparedStudy) -> str:
    return f"{study.letter}: {wording.shortened(study.tables.name, MOST_LETTERS)}"


def _scale(studies: Sequence[ComparedStudy]) -> ValueScale:
    return ValueScale(_Accuracies(max(study.tables.validation_images for study in studies)))


def _curve(study: ComparedStudy, scale: ValueScale, number: int) -> NDArray[np.float64]:
    """Epochs and heights of a trial's validation accuracies, shape (E, 2)."""
    curve = study.tables.curve(number)
    heights = scale.position(curve["validation_accuracy"].to_numpy(float))
    points = np.column_stack([curve["epoch"].to_numpy(float), heights])
    return np.asarray(points[np.isfinite(points).all(axis=1)])


def _axes(axes: Any, scale: ValueScale, points: NDArray[np.float64], across: str = "epoch") -> None:
    low, high = framed(points[:, 1], 0.07, 0.1)
    axes.set(xlim=framed(points[:, 0], 0.04, 0.5), ylim=(low, high), xlabel=across)
    axes.set_ylabel("validation accuracy", labelpad=6)
    set_ticks(axes.yaxis, scale.ticks(low, high))
    ends = float(points[:, 0].min()), float(points[:, 0].max())
    set_ticks(axes.xaxis, round_ticks(*ends, whole=True))


def _legend(figure: Any) -> None:
    """Name the lines above the axes, where none of them runs through the names."""
    figure.legend(
        frameon=False, loc="outside upper left", ncols=2, labelcolor="linecolor", handlelength=1.2
    )
