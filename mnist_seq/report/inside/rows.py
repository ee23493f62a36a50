"""How many images are told apart by their first rows alone."""

import numpy as np

from mnist_seq.config import Readout
from mnist_seq.report import wording
from mnist_seq.report.drawing import ACCENT, BEST, INK, MUTED, Panel, canvas, svg
from mnist_seq.report.inside.reading import Reading

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
    """How an answer comes about before the image has been read to its end."""
    return PARTIAL[readout] + (f"; {UPWARDS}" if bidirectional else "")


def draw(reading: Reading, how: str) -> Panel:
    """Accuracy after each row."""
    rows = np.arange(1, reading.rows + 1)
    shares = 100 * reading.accuracies
    near = reading.first_row_with(0.9)
    with canvas(260) as (figure, axes):
        axes.plot(rows, shares, color=ACCENT, marker="o", markersize=3.5, linewidth=1.6)
        guess = 100 * float(np.bincount(reading.labels_N).max()) / len(reading.labels_N)
        axes.axhline(guess, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.scatter([near], [shares[near - 1]], s=46, marker="D", color=BEST, zorder=4)
        axes.set_ylim(-2, 104)
        axes.set_xlim(0.4, reading.rows + 0.6)
        step = 1 if reading.rows <= 14 else 4
        axes.set_xticks([row for row in rows if row == 1 or row % step == 0])
        axes.set_xlabel("rows read", color=MUTED)
        axes.set_ylabel("right answers, %")
        picture = svg(figure, "rows")
    return Panel(
        "Accuracy after each row",
        picture,
        f"{wording.many(len(reading.labels_N), 'image')}; {how}. Dashed: always answering the "
        f"most frequent class. Marked: 90 % of the last row's accuracy, reached after row {near}.",
    )
