"""A page with a box around each character and what was read in it above."""

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mnist_seq.data.page.layout import Character
from mnist_seq.report.characters.answers import Answer
from mnist_seq.report.figures.fonts import font_file

SURE, NOT_SURE, CUT = "#0072B2", "#D55E00", "#009E73"  # told apart by the colour-blind as well
SMALLEST, LARGEST = 9, 48  # points of the labels


def drawn_page(
    grey_HW: NDArray[np.uint8], characters: Sequence[Character], found: Sequence[Answer]
) -> bytes:
    """Content of a PNG file: blue boxes, green where characters touched, orange where not sure.

    Labels that no font of this machine has are their code points: ``0A95``.
    """
    page = Image.fromarray(grey_HW).convert("RGB")
    draw = ImageDraw.Draw(page)
    heights = [each.box.height for each in characters]
    points = min(max(0.45 * float(np.median(heights)), SMALLEST), LARGEST)
    for character, answer in zip(characters, found, strict=True):
        box = character.box
        colour = NOT_SURE if not answer.is_sure else CUT if character.is_cut else SURE
        draw.rectangle((box.left - 1, box.top - 1, box.right, box.bottom), outline=colour)
        label, font = _label(answer.label, points)
        draw.text((box.left, box.top - 2), label, colour, font, "lb")
    file = io.BytesIO()
    page.save(file, "PNG")
    return file.getvalue()


@cache
def _label(text: str, points: float) -> tuple[str, ImageFont.FreeTypeFont]:
    """A label as it can be drawn, and a font that has it."""
    path = font_file(text)
    if path is None:
        return _label(" ".join(f"{ord(character):04X}" for character in text), points)
    return text, ImageFont.truetype(path, points)
