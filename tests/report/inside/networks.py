"""A network's answers and gates, made up by hand."""

import numpy as np

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


def reading(names: tuple[str, ...] = NAMES, size: int = ROWS) -> Reading:
    classes = len(names)
    beliefs_NSK = np.zeros((len(STORY), ROWS, classes), np.float32)
    for n, (_, told, sure) in enumerate(STORY):
        beliefs_NSK[n] = (1 - sure) / (classes - 1)
        beliefs_NSK[n, range(ROWS), told] = sure
    images_NSF = np.random.default_rng(0).integers(0, 256, (len(STORY), ROWS, size), np.uint8)
    labels_N = np.array([label for label, *_ in STORY])
    return Reading(images_NSF, labels_N, beliefs_NSK, names)


def gates(images: int, name: str = "lstm_1") -> Gates:
    draw = np.random.default_rng(1)
    shares = [draw.random((images, ROWS, 6)) for _ in range(3)]
    signed = [2 * draw.random((images, ROWS, 6)) - 1 for _ in range(3)]
    return Gates(name, shares[0], shares[1], signed[0], shares[2], 3 * signed[1], signed[2])
