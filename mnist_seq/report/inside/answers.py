"""The network's predictions as a CSV file and as a confusion matrix."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnist_seq.metrics.classification import Labels
from mnist_seq.report.analysis import wording
from mnist_seq.report.export.files import cell
from mnist_seq.report.figures.style import BEST, INK, MUTED, Panel, canvas, svg
from mnist_seq.report.inside.maps import class_axis, heat_map
from mnist_seq.report.inside.pair import OUTCOMES, Pair

MISTAKES = ("#ffffff", "#f3c3a3", BEST)
MOST_COUNTS = 16  # with more classes than this, the cells are too small for their numbers


def results_csv(predicted_N: Labels, labels_N: Labels, class_names: tuple[str, ...]) -> str:
    """CSV text with one line per image: index, true label, predicted label, result."""
    names = _cells(class_names)
    table = pd.DataFrame(
        {
            "index": np.arange(len(labels_N)),
            "true_label": names[labels_N],
            "predicted_label": names[predicted_N],
            "result": np.where(predicted_N == labels_N, "right", "wrong"),
        }
    )
    return table.to_csv(index=False, lineterminator="\n")


def read_right(file: Path) -> NDArray[np.bool_]:
    """Which images a file of `results_csv` says were answered right, shape (N,).

    Raises
    ------
    OSError, ValueError
        If it is not there, or no such file.
    """
    return np.asarray(pd.read_csv(file, usecols=["result"])["result"] == "right")


def pair_results_csv(pair: Pair) -> str:
    """CSV text with one line per image: index, true label, both predicted labels, who is right."""
    names = _cells(pair.a.class_names)
    table = pd.DataFrame(
        {
            "index": np.arange(pair.images),
            "true_label": names[pair.a.labels_N],
            "predicted_label_a": names[pair.a.predicted],
            "predicted_label_b": names[pair.b.predicted],
            "result": np.array(OUTCOMES)[pair.outcomes],
        }
    )
    return table.to_csv(index=False, lineterminator="\n")


def _cells(class_names: tuple[str, ...]) -> NDArray[np.object_]:
    return np.array([cell(name) for name in class_names], object)


def most_confused(counts_KK: NDArray[np.int64]) -> tuple[int, int, int] | None:
    """The pair of classes confused most often and the count; None without any mistake."""
    both_KK = np.triu(counts_KK + counts_KK.T, k=1)
    if not both_KK.any():
        return None
    first, second = np.unravel_index(int(both_KK.argmax()), both_KK.shape)
    return int(first), int(second), int(both_KK.max())


def draw_confusion(counts_KK: NDArray[np.int64], class_names: tuple[str, ...]) -> Panel:
    """Draw the confusion matrix: rows are true classes, columns answers, mistakes in colour."""
    mistakes_KK = counts_KK - np.diag(np.diag(counts_KK))
    most = max(int(mistakes_KK.max()), 1)
    classes = len(class_names)
    with canvas(360) as (figure, axes):
        heat_map(axes, mistakes_KK, MISTAKES, 0, most)
        class_axis(axes.xaxis, class_names)
        class_axis(axes.yaxis, class_names)
        axes.set(xlabel="answer", ylabel="true class")
        if max(map(len, class_names)) > 2 and classes > 4:
            axes.tick_params(axis="x", rotation=90)
        for true, answer in np.argwhere(counts_KK) if classes <= MOST_COUNTS else ():
            count = int(counts_KK[true, answer])
            pale = true == answer or mistakes_KK[true, answer] < 0.6 * most
            colour = MUTED if true == answer else INK if pale else "#ffffff"
            axes.text(answer, true, str(count), ha="center", va="center", color=colour, fontsize=9)
        picture = svg(figure, "confusion")
    wrong = int(mistakes_KK.sum())
    return Panel(
        "Confusion matrix",
        picture,
        f"{wrong:,} of {wording.many(int(counts_KK.sum()), 'image')} "
        f"{wording.agreeing(wrong, 'is', 'are')} taken for something else; right answers are on "
        "the diagonal, without colour.",
    )
