"""The picture of one training: loss and accuracy after each epoch, on both sets of images."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np

from mnist_seq.records import EpochRecord
from mnist_seq.report.drawing import ACCENT, BEST, INK, RULE, TRIAL


def curves_picture(records: Sequence[EpochRecord]) -> bytes:
    """Draw a training's curves side by side: loss on the left, accuracy on the right.

    Each panel marks the epoch that was best in its validation curve, the earliest of equals.
    Values that are not finite leave a gap.

    Parameters
    ----------
    records : sequence of EpochRecord
        At least one.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    ValueError
        If there are no records.
    """
    if not records:
        raise ValueError("no epochs, so there is no curve to draw")
    # Matplotlib takes a second to import; figures of their own, since pyplot keeps all it draws.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Measured out once: to find the margins anew for each picture takes a third of its time. And a
    # report that is drawn meanwhile, in another thread, changes the layout that would be taken.
    layout: Any = "none"  # matplotlib's types leave it out
    figure = Figure(figsize=(10, 4), dpi=120, facecolor="white", layout=layout)
    figure.subplots_adjust(left=0.07, right=0.985, bottom=0.135, top=0.915, wspace=0.18)
    loss, accuracy = figure.subplots(1, 2)
    _panel(loss, "loss", records, np.argmin, "{:.4f}")
    _panel(accuracy, "accuracy", records, np.argmax, "{:.2%}")
    accuracy.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    file = BytesIO()
    FigureCanvasAgg(figure).print_png(file)
    return file.getvalue()


def _panel(axes: Any, name: str, records: Sequence[EpochRecord], best: Any, form: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = np.array([record.epoch for record in records])
    dots = "o" if len(records) <= 30 else ""
    for part, color, style in (("train", TRIAL, "--"), ("validation", ACCENT, "-")):
        values = np.array([getattr(record, f"{part}_{name}") for record in records], float)
        values[~np.isfinite(values)] = np.nan
        axes.plot(epochs, values, style, marker=dots, markersize=3.5, color=color, label=part)
    if np.isfinite(values).any():  # the validation curve
        worst = np.inf if best is np.argmin else -np.inf
        at = int(best(np.where(np.isnan(values), worst, values)))
        label = f"best: {form.format(values[at])} in epoch {epochs[at]}".replace("%", " %")
        axes.axvline(epochs[at], color=BEST, linewidth=0.8, alpha=0.5, zorder=0)
        axes.plot(epochs[at], values[at], "o", markersize=8, mew=1.6, mfc="none", color=BEST,
                  linestyle="none", label=label)  # fmt: skip
    axes.set_title(name.capitalize(), loc="left", color=INK, fontweight="bold")
    axes.set_xlabel("epoch", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(records) == 1:
        axes.set_xlim(epochs[0] - 0.5, epochs[0] + 0.5)
    axes.grid(color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(RULE)
    axes.tick_params(colors=INK, length=0)
    axes.legend(frameon=False, labelcolor=INK)
