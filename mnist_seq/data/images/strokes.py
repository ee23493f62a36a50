"""Strokes of a pen as a picture: black ink on white paper, as a page draws them.

Places are shares of the paper's side, from its left and from its top.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

from mnist_seq.data.images.picture import BLACK, WHITE, Picture

Stroke: TypeAlias = Sequence[tuple[float, float]]
PEN_WIDTH = 0.07  # of the paper's side: a character that fills most of it has MNIST's strokes
SIDE = 400  # pixels: twenty of them become one of an image of MNIST's


def drawn(strokes: Sequence[Stroke]) -> Picture:
    """A square picture of strokes with round ends and corners; a stroke of one place is a dot."""
    paper = Image.new("L", (SIDE, SIDE), WHITE)
    pen = ImageDraw.Draw(paper)
    width = round(PEN_WIDTH * SIDE)
    for stroke in strokes:
        places = [(SIDE * x, SIDE * y) for x, y in stroke]
        pen.line(places, fill=BLACK, width=width)
        for place in places:
            pen.circle(place, width / 2, fill=BLACK)
    return Picture(np.asarray(paper))
