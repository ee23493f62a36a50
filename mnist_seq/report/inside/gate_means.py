"""Gates and states of an LSTM after each row, averaged over images and units, and their figure.

Shapes: M images, S steps (rows), U units.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.analysis import wording
from mnist_seq.report.figures.style import DASHED, MUTED, Panel, paper, svg
from mnist_seq.report.inside.accuracy import PAIR_COLORS
from mnist_seq.report.inside.maps import row_ticks
from mnist_seq.report.inside.reading import Gates

# In the order in which they are drawn for a single image.
QUANTITIES = {
    "hidden state, size": "state_MSU",
    "memory, size": "memory_MSU",
    "input gate": "input_MSU",
    "forget gate": "forget_MSU",
    "candidate, size": "candidate_MSU",
    "output gate": "output_MSU",
}


@dataclass(frozen=True)
class GateMeans:
    """Means of one LSTM's gates and states after each row, over images and units.

    Attributes
    ----------
    name : str
        The layer, and its direction where it has two.
    images : int
        How many the means are over.
    by_row : dict of str to float64, shape (S,)
        By `QUANTITIES`; where values may be negative, the mean of their absolute values.
    """

    name: str
    images: int
    by_row: dict[str, NDArray[np.float64]]


def mean_gates(batches: Iterable[Sequence[Gates]]) -> list[GateMeans]:
    """Means over all images of some batches, for each of the LSTMs that every batch has."""
    images = 0
    sums: dict[str, dict[str, NDArray[np.float64]]] = {}
    for lstms in batches:
        images += len(lstms[0].state_MSU)
        for gates in lstms:
            own = sums.setdefault(gates.name, dict.fromkeys(QUANTITIES, np.zeros(())))
            for quantity, field in QUANTITIES.items():
                size_MSU = np.abs(getattr(gates, field))
                own[quantity] = own[quantity] + size_MSU.mean(axis=2).sum(axis=0)
    return [
        GateMeans(name, images, {quantity: total / images for quantity, total in own.items()})
        for name, own in sums.items()
    ]


def draw_gate_means(a: Sequence[GateMeans], b: Sequence[GateMeans], names: Sequence[str]) -> Panel:
    """Draw the means of two networks' topmost LSTMs, both on the same axes.

    Parameters
    ----------
    a, b : sequence of GateMeans
        One of an LSTM; two of a bidirectional one, downwards first.
    names : sequence of str
        Of the two networks.
    """
    from matplotlib.lines import Line2D

    with paper(470) as figure:
        grid = zip(figure.subplots(3, 2, sharex=True).flat, QUANTITIES, strict=True)
        for axes, quantity in grid:
            for means, color in zip((a, b), PAIR_COLORS, strict=True):
                for direction, style in zip(means, ("solid", DASHED), strict=False):
                    mean_S = direction.by_row[quantity]
                    axes.plot(range(len(mean_S)), mean_S, color=color, linestyle=style, lw=1.6)
            top = 1.0 if quantity != "memory, size" else 1.05 * axes.dataLim.y1 or 1.0
            axes.set_ylim(0, top)
            axes.set_title(quantity, fontsize=10.5, color=MUTED, loc="left")
            row_ticks(axes.xaxis, len(mean_S))
        for axes in figure.axes[-2:]:
            axes.set_xlabel("row")
        lines = [Line2D([], [], color=color) for color in PAIR_COLORS]
        figure.legend(
            lines, names, loc="outside upper center", ncols=2, frameon=False,
            labelcolor="linecolor", handlelength=1.2,
        )  # fmt: skip
        picture = svg(figure, "gate-means")
    images = wording.many(a[0].images, "image")
    upwards = " Dashed: the LSTM that reads upwards." if len(a) + len(b) > 2 else ""
    return Panel(
        "Means after each row",
        picture,
        f"Over {images} and all units of the topmost LSTM; the size of what may be negative is its "
        f"absolute value. Gates, candidate and state go from 0 to 1.{upwards}",
    )
