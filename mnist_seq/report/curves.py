"""The picture of one training: loss and accuracy after each epoch, on both sets of images.

Written as SVG, stroke by stroke: there is one for every trial of a search, and matplotlib would
keep the driver busy for longer than all else that a trial costs.
"""

import math
from collections.abc import Sequence

from mnist_seq.records import EpochRecord
from mnist_seq.report.drawing import ACCENT, BEST, INK, MUTED, RULE, TRIAL
from mnist_seq.report.scales import round_ticks

WIDTH, HEIGHT = 1000, 400
PANEL_WIDTH, PANEL_HEIGHT = 425, 285
TOP = 60
MOST_DOTS = 30  # with more epochs the line alone is clearer

_STYLE = (
    f"text{{font:13px system-ui,sans-serif;fill:{INK}}}"
    ".title{font-size:15px;font-weight:bold}.up{text-anchor:end}.across{text-anchor:middle}"
    f".rule{{stroke:{RULE}}}.axis{{stroke:{MUTED}}}"
    ".train,.validation,.best{fill:none;stroke-width:1.8;stroke-linejoin:round}"
    f".train{{stroke:{TRIAL};stroke-dasharray:6 4}}.validation{{stroke:{ACCENT}}}"
    f".best{{stroke:{BEST}}}.at{{stroke:{BEST};stroke-opacity:.5}}"
    f".dot-train{{fill:{TRIAL}}}.dot-validation{{fill:{ACCENT}}}"
)


def curves_picture(records: Sequence[EpochRecord]) -> str:
    """Draw a training's curves side by side: loss on the left, accuracy on the right.

    Each panel marks the epoch that was best in its validation curve, the earliest of equals.
    Values that are not finite leave a gap.

    Parameters
    ----------
    records : sequence of EpochRecord
        At least one.

    Returns
    -------
    str
        An SVG file.

    Raises
    ------
    ValueError
        If there are no records.
    """
    if not records:
        raise ValueError("no epochs, so there is no curve to draw")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}">',
            f"<style>{_STYLE}</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            *_panel(60, "loss", records),
            *_panel(560, "accuracy", records),
            "</svg>\n",
        ]
    )


def _panel(left: int, name: str, records: Sequence[EpochRecord]) -> list[str]:
    is_accuracy = name == "accuracy"
    scale, unit = (100, " %") if is_accuracy else (1, "")
    curves = {
        part: [scale * getattr(record, f"{part}_{name}") for record in records]
        for part in ("train", "validation")
    }
    epochs = [record.epoch for record in records]
    first, last = (epochs[0], epochs[-1]) if len(epochs) > 1 else (epochs[0] - 0.5, epochs[0] + 0.5)
    low, high = _ends([value for curve in curves.values() for value in curve])

    def x(epoch: float) -> float:
        return round(left + PANEL_WIDTH * (epoch - first) / (last - first), 1)

    def y(value: float) -> float:
        return round(TOP + PANEL_HEIGHT * (high - value) / (high - low), 1)

    bottom, right = TOP + PANEL_HEIGHT, left + PANEL_WIDTH
    drawn = [f'<g class="{name}">', _text(left, 28, name.capitalize(), "title")]
    for value, label in zip(*round_ticks(low, high), strict=True):
        drawn.append(_line((left, y(value)), (right, y(value)), "rule"))
        drawn.append(_text(left - 8, y(value) + 4.5, f"{label}{unit}", "up"))
    drawn.append(_line((left, bottom), (right, bottom), "axis"))
    for epoch, label in zip(*round_ticks(first, last, whole=True), strict=True):
        drawn.append(_text(x(epoch), bottom + 20, label, "across"))
    drawn.append(_text((left + right) / 2, bottom + 42, "epoch", "across"))
    finite = [(v, e) for v, e in zip(curves["validation"], epochs, strict=True) if math.isfinite(v)]
    if finite:
        value, epoch = min(finite, key=lambda point: -point[0] if is_accuracy else point[0])
        drawn.append(_line((x(epoch), TOP), (x(epoch), bottom), "at"))
        drawn.append(_circle(x(epoch), y(value), 6, "best"))
        figure = f"{value:.2f} %" if is_accuracy else f"{value:.4f}"
        drawn.append(_circle(left + 252, 24, 5, "best"))
        drawn.append(_text(left + 262, 28, f"best: {figure} in epoch {epoch}"))
    for part, start in (("train", 84), ("validation", 149)):
        drawn.append(_line((left + start, 24), (left + start + 20, 24), part))
        drawn.append(_text(left + start + 25, 28, part))
        for run in _runs(curves[part]):
            points = [(x(epochs[at]), y(curves[part][at])) for at in run]
            places = " ".join(f"{across},{down}" for across, down in points)
            drawn.append(f'<polyline class="{part}" points="{places}"/>')
            if len(records) <= MOST_DOTS:
                drawn.extend(_circle(*point, 2.5, f"dot-{part}") for point in points)
    return [*drawn, "</g>"]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Where an axis begins and ends, with a margin on either side."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    margin = 0.05 * (max(finite) - min(finite)) or 0.05
    return min(finite) - margin, max(finite) + margin


def _runs(values: Sequence[float]) -> list[list[int]]:
    """Places of the finite values, those that follow each other together."""
    runs: list[list[int]] = [[]]
    for at, value in enumerate(values):
        if math.isfinite(value):
            runs[-1].append(at)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    return f'<line class="{kind}" x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}"/>'


def _circle(x: float, y: float, radius: float, kind: str) -> str:
    return f'<circle class="{kind}" cx="{x}" cy="{y}" r="{radius}"/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{named}>{text}</text>'
