"""Figures of the network's accuracy after each row and of its calibration."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mnist_seq.config.settings import Readout
from mnist_seq.metrics import classification
from mnist_seq.report.analysis import wording
from mnist_seq.report.figures.style import (
    ACCENT,
    BEST,
    DASHED,
    INK,
    MUTED,
    WIDTH,
    Panel,
    canvas,
    svg,
)
from mnist_seq.report.inside.pair import Pair
from mnist_seq.report.inside.reading import Reading

BINS = 15
NEARLY = 0.9  # of the accuracy in the end
PAIR_COLORS = (ACCENT, BEST)  # of A and of B
LETTER = 7.5  # points that a letter of a name takes at most, the axis being narrower than WIDTH
# What is asked of the rows read so far, in the place of the whole image.
PARTIAL: dict[Readout, str] = {
    "last": "the softmax is asked at the state after each row",
    "each_step": "the network's own answer at each row",
    "mean": "the softmax is asked at the mean of the states so far",
    "max": "the softmax is asked at the maximum of the states so far",
    "flatten": "the softmax has a weight for every row, so the states of unread rows are set to "
    "zero, which it never saw in training",
    "attention": "the softmax is asked at the states so far, attention being shared among them",
}
UPWARDS = "the layers that read upwards begin at the last row read"


def how_rows_answer(readout: Readout, *, bidirectional: bool) -> str:
    """Describe in words how an answer is computed from the first rows of an image alone."""
    return PARTIAL[readout] + (f"; {UPWARDS}" if bidirectional else "")


def accuracies_csv(readings: Mapping[str, Reading]) -> str:
    """CSV text of the accuracies after each image row: a line per row, a column per reading."""
    rows = pd.RangeIndex(1, 1 + max(reading.rows for reading in readings.values()), name="row")
    columns = {name: reading.accuracies for name, reading in readings.items()}
    return pd.DataFrame(columns, rows).to_csv(lineterminator="\n")


def draw_accuracy_by_row(reading: Reading, how: str) -> Panel:
    """Draw the accuracy after each row; `how` explains how partial images are classified."""
    with canvas(260) as (figure, axes):
        _draw_accuracies(axes, reading, ACCENT, BEST)
        _rows_axes(axes, reading)
        picture = svg(figure, "rows")
    return Panel(
        "Accuracy after each row",
        picture,
        f"{wording.many(len(reading.labels_N), 'image')}; {how}. Dashed: always answering the "
        "most frequent class. Marked: 90 % of the last row's accuracy, reached after row "
        f"{reading.first_row_with(NEARLY)}.",
    )


def draw_both_accuracies(pair: Pair, names: Sequence[str], hows: Sequence[str]) -> Panel:
    """Draw the accuracies of two networks after each row, each line with its name."""
    readings = pair.a, pair.b
    with canvas(300) as (figure, axes):
        for reading, color in zip(readings, PAIR_COLORS, strict=True):
            _draw_accuracies(axes, reading, color, color)
        _rows_axes(axes, pair.a)
        _name_lines(axes, pair, names)
        picture = svg(figure, "rows")
    ways = hows[0] if hows[0] == hows[1] else f"A: {hows[0]}; B: {hows[1]}"
    reached = [f"row {reading.first_row_with(NEARLY)}" for reading in readings]
    return Panel(
        "Accuracy after each row",
        picture,
        f"{wording.many(pair.images, 'image')}; {ways}. Dashed: always answering the most frequent "
        f"class. Marked: 90 % of each network's own accuracy in the end, reached by A after "
        f"{reached[0]}, by B after {reached[1]}.",
    )


def _draw_accuracies(axes: Any, reading: Reading, color: str, mark: str) -> None:
    shares = 100 * reading.accuracies
    near = reading.first_row_with(NEARLY)
    rows = np.arange(1, reading.rows + 1)
    axes.plot(rows, shares, color=color, marker="o", markersize=3.5, linewidth=1.6)
    axes.scatter([near], [shares[near - 1]], s=46, marker="D", color=mark, zorder=4)


def _rows_axes(axes: Any, reading: Reading) -> None:
    """Set up both axes, and a line at the accuracy of always answering the same class."""
    guess = 100 * float(np.bincount(reading.labels_N).max()) / len(reading.labels_N)
    axes.axhline(guess, color=INK, linewidth=0.9, linestyle=DASHED)
    axes.set(xlim=(0.4, reading.rows + 0.6), xlabel="rows read")
    axes.set(ylim=(-2, 104), ylabel="right answers, %")
    step = 1 if reading.rows <= 14 else 4
    rows = range(1, reading.rows + 1)
    axes.set_xticks([row for row in rows if row == 1 or row % step == 0])


def _name_lines(axes: Any, pair: Pair, names: Sequence[str]) -> None:
    """Put the lines' names where they are farthest apart, the upper line's above on its left."""
    shares = [100 * reading.accuracies for reading in (pair.a, pair.b)]
    # A name needs its own width on its side; letters beyond ASCII may be twice as wide.
    letters = max(len(name) * (1 if name.isascii() else 2) for name in names)
    room = min(0.5, letters * LETTER / WIDTH) * pair.a.rows
    first = min(math.ceil(room - 0.6), pair.a.rows - 1)  # row 1 is 0.6 rows from the axis
    last = max(first, math.floor(pair.a.rows - room - 0.6))
    place = first + int(np.abs(shares[0] - shares[1])[first : last + 1].argmax())
    upper = int(shares[1][place] > shares[0][place])
    for which, (name, color) in enumerate(zip(names, PAIR_COLORS, strict=True)):
        side = -1 if which == upper else 1
        axes.annotate(
            name,
            (place + 1, shares[which][place]),
            (7 * side, -3 * side),
            textcoords="offset points",
            ha="right" if side < 0 else "left",
            va="bottom" if side < 0 else "top",
            color=color,
            bbox={"color": "#ffffff", "alpha": 0.8, "pad": 0.5},
        )


def draw_calibration(reading: Reading) -> Panel:
    """Draw a reliability diagram: accuracy against confidence."""
    found = classification.reliability(reading.probabilities, reading.labels_N, bins=BINS)
    error = classification.expected_calibration_error(
        reading.probabilities, reading.labels_N, bins=BINS
    )
    filled = np.flatnonzero(found.images_B)
    images_B, share_B = found.images_B[filled], found.accuracy_B[filled]
    spread_B = [
        classification.accuracy_standard_error(float(share), int(images))
        for share, images in zip(share_B, images_B, strict=True)
    ]
    with canvas(300) as (figure, axes):
        axes.plot([0, 100], [0, 100], color=INK, linewidth=0.9, linestyle=DASHED)
        confidence_B = 100 * found.confidence_B[filled]
        axes.errorbar(
            confidence_B, 100 * share_B, 100 * np.array(spread_B), fmt="none", ecolor=MUTED, lw=0.9
        )
        size_B = 14 + 150 * np.sqrt(images_B / images_B.max())
        axes.scatter(confidence_B, 100 * share_B, s=size_B, color=ACCENT, alpha=0.85, zorder=3)
        axes.set(xlim=(0, 105), xlabel="confidence, %")
        axes.set(ylim=(-3, 107), ylabel="right answers, %")
        picture = svg(figure, "calibration")
    mean_confidence = float(np.mean(reading.probabilities.max(axis=1)))
    right = float(reading.accuracies[-1])
    lean = "more" if mean_confidence > right else "less"
    return Panel(
        "Calibration",
        picture,
        f"Expected calibration error {100 * error:.2f} points over {BINS} bins: confidence "
        f"{100 * mean_confidence:.2f} % on average, {lean} than the {100 * right:.2f} % that are "
        "right. Below the dashed line the network is too sure. A point's area grows with its "
        "images; lines are one standard error.",
    )
