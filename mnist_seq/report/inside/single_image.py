"""Figures for one image: class probabilities and LSTM gates after each row."""

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.analysis import wording
from mnist_seq.report.figures.style import BEST, INK, MUTED, Panel, paper, svg
from mnist_seq.report.inside.maps import GREYS, SHARES, SIGNED, class_axis, heat_map, row_axis
from mnist_seq.report.inside.reading import Gates, Reading

MOST_CLASSES = 12


def draw_beliefs(reading: Reading, place: int, name: str) -> Panel:
    """Draw the image beside the class probabilities after each row."""
    beliefs_SK = reading.beliefs_NSK[place]
    label = int(reading.labels_N[place])
    shown = leading(beliefs_SK, label)
    with paper(235) as figure:
        image, map_ = figure.subplots(1, 2, width_ratios=(1, 1.15))
        heat_map(image, reading.images_NSF[place], GREYS, 0, 255)
        image.set_xticks([])
        row_axis(image, reading.rows)
        heat_map(map_, beliefs_SK[:, shown], SHARES, 0, 1)
        answer_S = beliefs_SK.argmax(axis=1)
        first = np.where(np.isin(answer_S, shown), np.searchsorted(shown, answer_S), np.nan)
        map_.plot(first, np.arange(reading.rows), "o", color="white", mec=INK, mew=0.7, ms=3.2)
        row_axis(map_, reading.rows, named=False)
        class_axis(map_.xaxis, [reading.class_names[k] for k in shown])
        map_.set_xlim(-0.5, len(shown) - 0.5)
        map_.xaxis.tick_top()
        for tick, k in zip(map_.get_xticklabels(), shown, strict=False):
            if k == label:
                tick.set(color=BEST, fontweight="bold")
        picture = svg(figure, name)
    said, answer = reading.class_names[label], reading.class_names[reading.predicted[place]]
    title = f"image {place} shows {said}" + ("" if answer == said else f", taken for {answer}")
    return Panel(title, picture, _note(reading, place, len(shown)))


def leading(beliefs_SK: NDArray[np.floating], label: int) -> NDArray[np.intp]:
    """Classes to show: those with the highest peak probability and the true one, ascending."""
    classes = beliefs_SK.shape[1]
    if classes <= MOST_CLASSES:
        return np.arange(classes)
    height_K = beliefs_SK.max(axis=0).copy()
    height_K[label] = np.inf
    return np.sort(np.argsort(-height_K, kind="stable")[:MOST_CLASSES])


def _note(reading: Reading, place: int, shown: int) -> str:
    beliefs_SK = reading.beliefs_NSK[place]
    answer = int(reading.predicted[place])
    wrong_at = np.flatnonzero(beliefs_SK.argmax(axis=1) != answer)
    settled = int(wrong_at[-1]) + 2 if len(wrong_at) else 1
    words = (
        f"{wording.share(float(beliefs_SK[-1, answer]))} sure of {reading.class_names[answer]} in "
        f"the end; the answer stays the same from row {settled} on."
    )
    hidden = beliefs_SK.shape[1] - shown
    if not hidden:
        return words
    classes = wording.agreeing(hidden, "class less believed is", "classes less believed are")
    return f"{words} {hidden} {classes} not shown."


def draw_activations(
    gates: Gates, image: int, title: str, name: str, *, reach: float | None = None
) -> Panel:
    """Draw six heat maps of an LSTM's states and gates; rows are image rows, columns units.

    Parameters
    ----------
    image : int
        Which of the images of the gates, from 0.
    reach : float, optional
        The memory at the ends of its colours; by default as far as it reaches.
    """
    order_U = by_time(gates.state_MSU)
    memory_SU = gates.memory_MSU[image]
    reach = memory_reach(gates, image) if reach is None else reach
    maps = (
        ("hidden state, \N{MINUS SIGN}1 to 1", gates.state_MSU[image], -1, 1),
        (f"memory, \N{MINUS SIGN}{reach:.1f} to {reach:.1f}", memory_SU, -reach, reach),
        ("input gate, 0 to 1", gates.input_MSU[image], 0, 1),
        ("forget gate, 0 to 1", gates.forget_MSU[image], 0, 1),
        ("candidate, \N{MINUS SIGN}1 to 1", gates.candidate_MSU[image], -1, 1),
        ("output gate, 0 to 1", gates.output_MSU[image], 0, 1),
    )
    with paper(440) as figure:
        grid = zip(figure.subplots(3, 2).flat, maps, strict=True)
        for place, (axes, (what, values_SU, low, high)) in enumerate(grid):
            heat_map(axes, values_SU[:, order_U], SIGNED if low else SHARES, low, high)
            axes.set_title(what, fontsize=10.5, color=MUTED, loc="left")
            axes.set_xticks([])
            row_axis(axes, len(values_SU), named=place % 2 == 0)
        picture = svg(figure, name)
    units = wording.many(len(order_U), "unit")
    return Panel(title, picture, f"{units}, those that speak early on the left.")


def memory_reach(gates: Gates, image: int) -> float:
    """Largest absolute value of the memory while one image is read; above 0."""
    return max(float(np.abs(gates.memory_MSU[image]).max()), 1e-6)


def by_time(state_MSU: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices that sort the units by the mean row of their activity; int, shape (U,)."""
    size_SU = np.abs(state_MSU).mean(axis=0)
    rows_S = np.arange(len(size_SU))
    middle_U = rows_S @ size_SU / np.maximum(size_SU.sum(axis=0), np.finfo(float).tiny)
    return np.argsort(middle_U, kind="stable")
