"""Heat maps whose rows are the image's rows: what they share, so that they can be read across."""

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from mnist_seq.report import wording
from mnist_seq.report.drawing import ACCENT, BEST, RULE

MOST_NAMES = 26  # with more classes than this, only some have room for their name


def share_map() -> Any:
    """Colours for 0 to 1: the more, the darker."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("share", ["#ffffff", "#8fb3cc", ACCENT, "#0b2b40"])


def signed_map() -> Any:
    """Colours for values on both sides of zero, which is white."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "signed", ["#0b3a5a", "#7fa9c6", "#ffffff", "#e39a6f", BEST]
    )


def heat_map(axes: Any, values: NDArray[Any], colours: Any, low: float, high: float) -> None:
    """Draw a table of values, its first row on top; one cell a value, whatever the size."""
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, aspect="auto", interpolation="none")
    axes.grid(visible=False)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(RULE)
    axes.tick_params(length=0)


def row_axis(axes: Any, rows: int, *, named: bool = True) -> None:
    """Number the image's rows from 1, from the top."""
    step = max(1, math.ceil(rows / 8))
    shown = sorted({1, *range(step, rows + 1, step)} if step > 1 else range(1, rows + 1))
    if len(shown) > 1 and shown[1] - shown[0] < 2 <= step:
        del shown[1]
    axes.set_yticks([row - 1 for row in shown], [str(row) if named else "" for row in shown])
    if named:
        axes.set_ylabel("row")


def class_axis(axis: Any, names: Sequence[str]) -> None:
    """Name the classes, or as many of them as have room."""
    step = math.ceil(len(names) / MOST_NAMES)
    places = range(0, len(names), step)
    axis.set_ticks(list(places), [wording.shortened(names[place], 8) for place in places])
