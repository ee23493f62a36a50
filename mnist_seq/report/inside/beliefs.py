"""One image beside what the network believes after each of its rows."""

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report import wording
from mnist_seq.report.drawing import BEST, INK, Panel, paper, svg
from mnist_seq.report.inside.maps import class_axis, heat_map, row_axis, share_map
from mnist_seq.report.inside.reading import Reading

MOST_CLASSES = 12


def draw(reading: Reading, place: int, name: str) -> Panel:
    """The image on the left, probabilities on the right: after a row, in the line of that row."""
    beliefs_SK = reading.beliefs_NSK[place]
    shown = leading(beliefs_SK, int(reading.labels_N[place]))
    label = int(reading.labels_N[place])
    with paper(235) as figure:
        image, map_ = figure.subplots(1, 2, width_ratios=(1, 1.15))
        heat_map(image, reading.images_NSF[place], "gray_r", 0, 255)
        image.set_xticks([])
        row_axis(image, reading.rows)
        heat_map(map_, beliefs_SK[:, shown], share_map(), 0, 1)
        first = [int(np.flatnonzero(shown == winner)[0]) if winner in shown else np.nan
                 for winner in beliefs_SK.argmax(axis=1)]  # fmt: skip
        map_.plot(first, np.arange(reading.rows), "o", color="white", mec=INK, mew=0.7, ms=3.2)
        row_axis(map_, reading.rows, named=False)
        class_axis(map_.xaxis, [reading.class_names[k] for k in shown])
        map_.set_xlim(-0.5, len(shown) - 0.5)
        map_.xaxis.tick_top()
        for tick, k in zip(map_.get_xticklabels(), shown, strict=False):
            if k == label:
                tick.set_color(BEST)
                tick.set_fontweight("bold")
        picture = svg(figure, name)
    return Panel(title(reading, place), picture, _note(reading, place, len(shown)))


def leading(beliefs_SK: NDArray[np.floating], label: int) -> NDArray[np.intp]:
    """The classes that are believed most at some row, and the true one, in their own order."""
    classes = beliefs_SK.shape[1]
    if classes <= MOST_CLASSES:
        return np.arange(classes)
    height_K = beliefs_SK.max(axis=0).copy()
    height_K[label] = np.inf
    return np.sort(np.argsort(-height_K, kind="stable")[:MOST_CLASSES])


def title(reading: Reading, place: int) -> str:
    """``image 17 shows 4, taken for 9``; without the latter where the answer is right."""
    said = reading.class_names[int(reading.labels_N[place])]
    answer = reading.class_names[int(reading.predicted[place])]
    return f"image {place} shows {said}" + ("" if answer == said else f", taken for {answer}")


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
    return words + (f" {hidden} classes less believed are not shown." if hidden else "")
