"""Serves a page of 62 classes, some of whose names would do harm as markup; prints its address.

Its network is none: with every row it believes more in the class ``ક``.
"""

from collections.abc import Sequence

import numpy as np

from mnist_seq.addresses.local_port import HOST, bound
from mnist_seq.data.images.form import placed
from mnist_seq.data.images.strokes import Stroke, drawn
from mnist_seq.drawing.page import Subject
from mnist_seq.drawing.read_drawing import ReadDrawing
from mnist_seq.drawing.server import serve

HARMFUL = (
    "<script>window.harmed = 1</script>",
    "<img src=x onerror='window.harmed = 1'>",
    "${window.harmed = 1}",
    "`; window.harmed = 1; `",
    "{{ constructor.constructor('window.harmed = 1')() }}",
    '" onmouseover="window.harmed = 1',
    "</div>\\",
)
NAMES = ("ક", *HARMFUL, *map(str, range(54)))
ROWS = 28


def read(strokes: Sequence[Stroke]) -> ReadDrawing | None:
    if not strokes:
        return None
    beliefs_SK = np.zeros((ROWS, len(NAMES)), np.float32)
    beliefs_SK[:, 0] = np.linspace(0.1, 1, ROWS)
    beliefs_SK[:, 1:] = (1 - beliefs_SK[:, :1]) / (len(NAMES) - 1)
    return ReadDrawing(placed(255 - drawn(strokes).grey_HW, ROWS), beliefs_SK)


if __name__ == "__main__":
    with bound(0) as (port, taken):
        taken.listen()
        print(f"{HOST}:{port}", flush=True)
        serve(Subject(HARMFUL[0], NAMES, ROWS, read), taken)
