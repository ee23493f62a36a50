"""What the network answers to which images: a file of all answers, what is taken for what."""

from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnist_seq import metrics
from mnist_seq.metrics import Labels
from mnist_seq.report.drawing import BEST, INK, MUTED, Panel, paper, svg
from mnist_seq.report.inside.maps import class_axis, heat_map

MOST_COUNTS = 16  # with more classes than this, the cells are too small for their numbers


def results_csv(predicted_N: Labels, labels_N: Labels, class_names: tuple[str, ...]) -> str:
    """One line an image: its place from 0, what it shows, what was answered, right or wrong."""
    names = np.array(class_names, object)
    table = pd.DataFrame(
        {
            "index": np.arange(len(labels_N)),
            "true_label": names[labels_N],
            "predicted_label": names[predicted_N],
            "result": np.where(predicted_N == labels_N, "right", "wrong"),
        }
    )
    return table.to_csv(index=False, lineterminator="\n")


def most_confused(counts_KK: NDArray[np.int64]) -> tuple[int, int, int] | None:
    """The two classes, the lower first, that are most often taken for one another; how often."""
    both_KK = np.triu(counts_KK + counts_KK.T, k=1)
    if not both_KK.any():
        return None
    first, second = np.unravel_index(int(both_KK.argmax()), both_KK.shape)
    return int(first), int(second), int(both_KK.max())


def draw_confusion(counts_KK: NDArray[np.int64], class_names: tuple[str, ...]) -> Panel:
    """Counts: a line each class, a column each answer; mistakes in colour."""
    from matplotlib.colors import LinearSegmentedColormap

    mistakes_KK = counts_KK - np.diag(np.diag(counts_KK))
    most = max(int(mistakes_KK.max()), 1)
    colours = LinearSegmentedColormap.from_list("mistakes", ["#ffffff", "#f3c3a3", BEST])
    classes = len(class_names)
    with paper(360) as figure:
        axes = figure.subplots()
        heat_map(axes, mistakes_KK, colours, 0, most)
        class_axis(axes.xaxis, class_names)
        class_axis(axes.yaxis, class_names)
        axes.set_xlabel("answer")
        axes.set_ylabel("true class")
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
        f"{wrong:,} of {int(counts_KK.sum()):,} images are taken for something else; right answers "
        "are on the diagonal, without colour.",
    )


def class_table(predicted_N: Labels, labels_N: Labels, class_names: tuple[str, ...]) -> str:
    """HTML: precision, recall and F1 of each class."""
    scores = metrics.class_scores(predicted_N, labels_N, len(class_names))
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td class=number>{cell}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in zip(
            class_names,
            [f"{count:,}" for count in scores.images_K],
            *(
                [f"{100 * share:.2f}" for share in column_K]
                for column_K in (scores.precision_K, scores.recall_K, scores.f1_K)
            ),
            strict=True,
        )
    )
    heads = "".join(
        f'<th scope="col" class=number>{name}</th>'
        for name in ("images", "precision, %", "recall, %", "F1, %")
    )
    return f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
