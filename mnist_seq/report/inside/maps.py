"""Heat maps with their colours, and axes for image rows and classes."""

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from mnist_seq.report.analysis import wording
from mnist_seq.report.figures.style import ACCENT, BEST, RULE, color_map

GREYS = ("#ffffff", "#000000")
SHARES = ("#ffffff", "#8fb3cc", ACCENT, "#0b2b40")  # from 0 to 1: the more, the darker
SIGNED = ("#0b3a5a", "#7fa9c6", "#ffffff", "#e39a6f", BEST)  # on both sides of 0, which is white
MOST_NAMES = 26  # with more classes than this, only some have room for their name


def heat_map(
    axes: Any, values: NDArray[Any], colors: Sequence[str], low: float, high: float
) -> None:
    """Draw a matrix as a heat map with its first row on top."""
    look = {"cmap": color_map(colors), "vmin": low, "vmax": high}
    axes.imshow(values, aspect="auto", interpolation="none", **look)
    axes.grid(visible=False)
    axes.spines[:].set(visible=True, color=RULE)
    axes.tick_params(length=0)


def row_axis(axes: Any, rows: int, *, named: bool = True) -> None:
    """Label the y axis with row numbers, counted from 1 at the top."""
    row_ticks(axes.yaxis, rows, named=named)
    if named:
        axes.set_ylabel("row")


def row_ticks(axis: Any, rows: int, *, named: bool = True) -> None:
    """Set ticks at some rows of the image, the first at 0, with their numbers from 1."""
    step = max(1, math.ceil(rows / 8))
    shown = sorted({1, *range(step, rows + 1, step)} if step > 1 else range(1, rows + 1))
    if len(shown) > 1 and shown[1] - shown[0] < 2 <= step:
        del shown[1]
    axis.set_ticks([row - 1 for row in shown], [str(row) if named else "" for row in shown])


def class_axis(axis: Any, names: Sequence[str]) -> None:
    """Label an axis with class names; only every n-th if there are too many."""
    step = math.ceil(len(names) / MOST_NAMES)
    places = range(0, len(names), step)
    axis.set_ticks(list(places), [wording.shortened(names[place], 8) for place in places])
