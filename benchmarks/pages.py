"""How much of a page is read right, from the scan to the text, by a network trained on MNIST?

    python -m benchmarks.pages

Pages of 200 of MNIST's test digits each, in eight lines, as the tests lay them out: in a shadow,
with noise. Each kind of page has the same digits. The network has 64 units and five epochs. Right
is what is left of 200 after the edits (Levenshtein) that make the text what was laid out, line ends
among them: a character that is read wrong, missing or too many is one edit.
"""

import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mnist_seq
from mnist_seq.api.trained_run import TrainedRun
from mnist_seq.driver.read_page import most_probable
from mnist_seq.report.characters.answers import Answer, answers
from tests.data.page.layouts import Layout, found_on, page

WORDS = "/".join(["##### ##### ##### ##### #####"] * 8)
PAGES, DIGITS = 5, 200
TRAINING = (
    "data=mnist",
    "model.units=64",
    "training.epochs=5",
    "training.batch_size=64",
    "training.learning_rate=0.004",
    "training.schedule=cosine",
    "workers.count=1",
)
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "light digits on dark ground": {"is_light": True},
    "tilted by 3 degrees": {"tilt": 3.0},
    "ruled": {"rules": 0.7},
    "ruled, tilted by 3 degrees": {"rules": 0.7, "tilt": 3.0},
    "pale rules": {"rules": 0.4},
    "from the side, 10 degrees": {"angle": 10.0},
    "from the other side, tilted by 2": {"angle": -10.0, "tilt": 2.0},
    "from the side, ruled": {"angle": 10.0, "rules": 0.7},
    "a tenth touch": {"touching": 10},
}


def main() -> None:
    """Print the share of digits read right on each kind of page."""
    with tempfile.TemporaryDirectory() as folder:
        network = mnist_seq.train(*TRAINING, f"tracking.folder={folder}", progress=False)
        for kind, options in KINDS.items():
            edits = 0
            for number in range(PAGES):
                layout = page(WORDS, first=number * DIGITS, noise=6, shadow=0.4, **options)
                laid_out = layout.text.replace(" ", "").strip()
                edits += _edits(_read(layout, network), laid_out)
            print(f"{100 - 100 * edits / (PAGES * DIGITS):5.1f} %  {kind}")


def _read(layout: Layout, network: TrainedRun) -> str:
    """The page's text, without the blanks."""
    _, marks = found_on(layout)

    def read(images_NSF: NDArray[np.uint8]) -> Sequence[Answer]:
        return answers(network.predict(images_NSF).probabilities, network.class_names, 0)

    lines, found = most_probable(marks, read, 28)
    labels = iter(found)
    return "\n".join("".join(next(labels).label for _ in line) for line in lines)


def _edits(first: str, second: str) -> int:
    """Fewest characters to insert, delete or replace, that make the first text the second."""
    edits = list(range(len(second) + 1))
    for n, one in enumerate(first, 1):
        before, edits = edits, [n]
        for m, other in enumerate(second, 1):
            edits.append(min(before[m] + 1, edits[-1] + 1, before[m - 1] + (one != other)))
    return edits[-1]


if __name__ == "__main__":
    main()
