"""A network's answers and gates, made up by hand."""

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report.inside.reading import Gates, Reading

NAMES = ("ape", "bee", "cat")
ROWS = 4
# Each image's answer after each row, and how sure it is of it in the end.
STORY = [
    # label, answers, confidence
    (0, [1, 1, 0, 0], 0.9),
    (0, [1, 0, 0, 0], 0.8),
    (1, [1, 1, 1, 1], 0.9),
    (1, [2, 2, 2, 2], 0.7),
    (2, [2, 2, 1, 1], 0.95),
    (2, [1, 1, 1, 2], 0.6),
    (1, [0, 0, 0, 2], 0.5),
    (2, [0, 0, 0, 2], 0.9),
]


# What another network makes of the same images.
OTHER_STORY = [
    (0, [0, 0, 0, 0], 0.9),
    (0, [0, 0, 1, 1], 0.95),
    (1, [1, 1, 1, 1], 0.9),
    (1, [1, 1, 1, 1], 0.9),
    (2, [1, 1, 1, 1], 0.9),
    (2, [2, 2, 2, 2], 0.9),
    (1, [0, 0, 0, 0], 0.9),
    (2, [2, 2, 1, 1], 0.85),
]


def reading(
    names: tuple[str, ...] = NAMES,
    size: int = ROWS,
    story: list[tuple[int, list[int], float]] = STORY,
) -> Reading:
    classes = len(names)
    beliefs_NSK = np.zeros((len(STORY), ROWS, classes), np.float32)
    for n, (_, told, sure) in enumerate(story):
        beliefs_NSK[n] = (1 - sure) / (classes - 1)
        beliefs_NSK[n, range(ROWS), told] = sure
    images_NSF = np.random.default_rng(0).integers(0, 256, (len(STORY), ROWS, size), np.uint8)
    labels_N = np.array([label for label, *_ in STORY])
    return Reading(images_NSF, labels_N, beliefs_NSK, names)


def other_reading(names: tuple[str, ...] = NAMES) -> Reading:
    return reading(names, story=OTHER_STORY)


def with_answers(labels_N: NDArray[np.integer], answers_N: NDArray[np.integer]) -> Reading:
    """Images of one row, of two classes."""
    images_NSF = np.zeros((len(labels_N), 1, 1), np.uint8)
    return Reading(images_NSF, labels_N, np.eye(2)[answers_N][:, None], ("no", "yes"))


def gates(images: int, name: str = "lstm_1") -> Gates:
    draw = np.random.default_rng(1)
    shares = [draw.random((images, ROWS, 6)) for _ in range(3)]
    signed = [2 * draw.random((images, ROWS, 6)) - 1 for _ in range(3)]
    return Gates(name, shares[0], shares[1], signed[0], shares[2], 3 * signed[1], signed[2])
