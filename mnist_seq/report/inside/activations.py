"""What goes on in one LSTM while it reads one image: its state, its memory, its gates."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report import wording
from mnist_seq.report.drawing import MUTED, Panel, paper, svg
from mnist_seq.report.inside.maps import heat_map, row_axis, share_map, signed_map
from mnist_seq.report.inside.reading import Gates


def draw(gates: Gates, image: int, title: str, name: str) -> Panel:
    """Six heat maps: a line a row of the image, a column a unit, alike in all six.

    Parameters
    ----------
    gates : Gates
        Of the images that are shown.
    image : int
        Which of them, from 0.
    """
    order_U = by_time(gates.state_MSU)
    memory_SU = gates.memory_MSU[image]
    reach = max(float(np.abs(memory_SU).max()), 1e-6)
    maps: Sequence[tuple[str, NDArray[np.float64], float, float]] = (
        ("hidden state, \N{MINUS SIGN}1 to 1", gates.state_MSU[image], -1, 1),
        (f"memory, \N{MINUS SIGN}{reach:.1f} to {reach:.1f}", memory_SU, -reach, reach),
        ("input gate, 0 to 1", gates.input_MSU[image], 0, 1),
        ("forget gate, 0 to 1", gates.forget_MSU[image], 0, 1),
        ("candidate, \N{MINUS SIGN}1 to 1", gates.candidate_MSU[image], -1, 1),
        ("output gate, 0 to 1", gates.output_MSU[image], 0, 1),
    )
    with paper(440) as figure:
        for place, (axes, (what, values_SU, low, high)) in enumerate(
            zip(figure.subplots(3, 2).flat, maps, strict=True)
        ):
            heat_map(axes, values_SU[:, order_U], signed_map() if low else share_map(), low, high)
            axes.set_title(what, fontsize=10.5, color=MUTED, loc="left")
            axes.set_xticks([])
            row_axis(axes, len(values_SU), named=place % 2 == 0)
        picture = svg(figure, name)
    return Panel(
        title,
        picture,
        f"{wording.many(len(order_U), 'unit')}, those that speak early on the left.",
    )


def by_time(state_MSU: NDArray[np.float64]) -> NDArray[np.intp]:
    """Units in the order in which they speak: by the middle of their states' size over the rows."""
    size_SU = np.abs(state_MSU).mean(axis=0)
    rows_S = np.arange(len(size_SU))
    middle_U = rows_S @ size_SU / np.maximum(size_SU.sum(axis=0), np.finfo(float).tiny)
    return np.argsort(middle_U, kind="stable")
