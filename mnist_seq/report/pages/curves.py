"""SVG figure of one training: loss and accuracy on training and validation images.

An SVG template, not matplotlib: there is one picture for every trial of a search, and matplotlib
would keep the driver busy for longer than all else that a trial costs.
"""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from mnist_seq.records import EpochRecord
from mnist_seq.report.figures.scales import framed, round_ticks
from mnist_seq.report.pages.frame import fill

PANEL_WIDTH, PANEL_HEIGHT = 425, 285
TOP = 60
MOST_DOTS = 30  # with more epochs the line alone is clearer


def curves_picture(records: Sequence[EpochRecord]) -> str:
    """Render one training's curves as an SVG file: loss on the left, accuracy on the right.

    Each panel marks the epoch that was best in its validation curve, the earliest of equals.
    Values that are not finite leave a gap.

    Raises
    ------
    ValueError
        If there are no records.
    """
    if not records:
        raise ValueError("no epochs, so there is no curve to draw")
    panels = [_panel(60, "loss", records), _panel(560, "accuracy", records)]
    return str(fill("curves.svg", panels=panels, dots=len(records) <= MOST_DOTS))


def _panel(left: int, name: str, records: Sequence[EpochRecord]) -> dict[str, Any]:
    """Curves and ticks of one metric in pixel coordinates, as input for the SVG template."""
    is_accuracy = name == "accuracy"
    scale, unit = (100, " %") if is_accuracy else (1, "")
    curves = {
        part: [(record.epoch, scale * getattr(record, f"{part}_{name}")) for record in records]
        for part in ("train", "validation")
    }
    first, last = records[0].epoch, records[-1].epoch
    ends = (first, last) if len(records) > 1 else (first - 0.5, first + 0.5)
    values = np.array([value for curve in curves.values() for _, value in curve])
    low, high = framed(values if np.isfinite(values).any() else np.array([0.0, 1.0]), 0.05, 0.05)

    def x(epoch: float) -> float:
        return round(left + PANEL_WIDTH * (epoch - ends[0]) / (ends[1] - ends[0]), 1)

    def y(value: float) -> float:
        return round(TOP + PANEL_HEIGHT * (high - value) / (high - low), 1)

    def pieces(curve: list[tuple[int, float]]) -> list[list[tuple[float, float]]]:
        groups = groupby(curve, key=lambda point: math.isfinite(point[1]))
        return [[(x(epoch), y(value)) for epoch, value in run] for finite, run in groups if finite]

    best = None
    finite = [(epoch, value) for epoch, value in curves["validation"] if math.isfinite(value)]
    if finite:
        epoch, value = min(finite, key=lambda point: -point[1] if is_accuracy else point[1])
        reached = f"{value:.2f} %" if is_accuracy else f"{value:.4f}"
        best = (x(epoch), y(value), f"best: {reached} in epoch {epoch}")
    levels, epochs = round_ticks(low, high), round_ticks(*ends, whole=True)
    return {
        "name": name,
        "left": left,
        "right": left + PANEL_WIDTH,
        "top": TOP,
        "bottom": TOP + PANEL_HEIGHT,
        "rules": [(y(value), f"{label}{unit}") for value, label in zip(*levels, strict=True)],
        "epochs": [(x(epoch), label) for epoch, label in zip(*epochs, strict=True)],
        "best": best,
        "curves": {part: pieces(curve) for part, curve in curves.items()},
    }
