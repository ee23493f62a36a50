"""Gujarati letters and digits, rendered from fonts into a folder that ``data=images`` reads.

    python -m examples.gujarati.render gujarati --unseen Kalapi

These are renderings of fonts, not handwriting. ``gujarati/train`` and ``gujarati/test`` hold other
renderings of the same families; the family left out is written to ``gujarati-unseen``, and to
``gujarati-page.png`` a page of characters, its text to ``gujarati-page.txt``. The same seed gives
the same files.

Shapes: H rows and W columns.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

VOWELS = "અઇઈઉઊઋએઐ"  # the others are these with signs added
CONSONANTS = "કખગઘઙચછજઝઞટઠડઢણતથદધનપફબભમયરલવશષસહળ"
DIGITS = "૦૧૨૩૪૫૬૭૮૯"
CHARACTERS = VOWELS + CONSONANTS + DIGITS

FONTS = Path("/usr/share/fonts")
FAMILIES = {
    "Lohit": ("Lohit-Gujarati.ttf",),
    "aakar": ("aakar-medium.ttf",),
    "Kalapi": ("Kalapi.ttf",),
    "padmaa": ("padmaa.ttf", "padmaa-Medium-0.5.ttf", "padmaa-Bold.1.1.ttf"),
    "Rasa": ("Rasa-Light.ttf", "Rasa-Regular.ttf", "Rasa-Bold.ttf"),
    "Rekha": ("Rekha.ttf",),
    "Samyak": ("Samyak-Gujarati.ttf",),
}

DRAWN = 96  # points: each glyph is drawn so large, then changed, then made small
SMALLEST, LARGEST = 48, 64  # pixels, the side of an image
FILLED = 0.5, 0.8  # share of the side that the glyph's longer side takes
MOST_TURNED = 8.0  # degrees, either way
THINNER, THICKER = -0.15, 0.25  # change of the strokes, as a share of their width
MOST_BLURRED = 1.0  # pixels, standard deviation
MOST_NOISE = 10.0  # grey values, standard deviation
DARKEST = 0.3  # share of the light that is lost from one side to the other
PAPER, INK = (190, 250), (10, 80)  # grey values

PAGE_WIDTH, LINE, MARGIN, POINTS, LETTER_SPACE = 900, 110, 90, 56, 16  # pixels
WORD, WORDS = 4, 3  # characters, and words of a line
PAGE_TILTED = 2.0  # degrees, clockwise


class RefusedError(Exception):
    """Nothing can be rendered; the message says why."""


@dataclass(frozen=True)
class Family:
    """A family's name and its fonts, of one weight each."""

    name: str
    fonts: Sequence[ImageFont.FreeTypeFont]


def find_family(folder: Path, name: str) -> Family:
    """Return the family of a name, with its fonts from anywhere in a folder.

    Raises
    ------
    RefusedError
        If there is no such family, or one of its files is not in the folder.
    """
    if name not in FAMILIES:
        raise RefusedError(f"no family {name!r}; there are {', '.join(FAMILIES)}")
    files = {path.name: path for path in folder.rglob("*.ttf")}
    if missing := [file for file in FAMILIES[name] if file not in files]:
        raise RefusedError(
            f"{folder}: has no {missing[0]}, of the family {name}; "
            "Debian has all of them: apt-get install fonts-gujr"
        )
    return Family(name, [ImageFont.truetype(files[file], DRAWN) for file in FAMILIES[name]])


def rendered(
    character: str, font: ImageFont.FreeTypeFont, random: np.random.Generator
) -> NDArray[np.uint8]:
    """One image of a character, dark on light, as a scan or photo might show it; shape (H, H)."""
    side = int(random.integers(SMALLEST, LARGEST + 1))
    ink_HW = _with_other_strokes(_glyph(character, font), random.uniform(THINNER, THICKER))
    turned = Image.fromarray(np.pad(ink_HW, DRAWN // 2)).rotate(
        random.uniform(-MOST_TURNED, MOST_TURNED), Image.Resampling.BICUBIC
    )
    box = turned.getbbox()
    assert box is not None
    share_HW = _placed(turned.crop(box), side, random)
    share_HW = ndimage.gaussian_filter(share_HW, random.uniform(0, MOST_BLURRED))
    paper, ink = random.uniform(*PAPER), random.uniform(*INK)
    return _photographed(paper + (ink - paper) * share_HW, random)


def _glyph(character: str, font: ImageFont.FreeTypeFont) -> NDArray[np.uint8]:
    mask = font.getmask(character)
    width, height = mask.size
    ink_HW: NDArray[np.uint8] = np.asarray(mask, np.uint8).reshape(height, width)
    return np.pad(ink_HW, DRAWN // 8)


def _with_other_strokes(ink_HW: NDArray[np.uint8], change: float) -> NDArray[np.uint8]:
    """Make strokes thicker or thinner by a share of the thickest one's width; 255 is full ink."""
    is_ink_HW = ink_HW > 127
    inside_HW = ndimage.distance_transform_edt(is_ink_HW)
    to_edge_HW = inside_HW - ndimage.distance_transform_edt(~is_ink_HW)
    moved_HW = to_edge_HW + change * inside_HW.max()
    changed_HW: NDArray[np.uint8] = np.rint(255 * np.clip(moved_HW + 0.5, 0, 1)).astype(np.uint8)
    return changed_HW


def _placed(glyph: Image.Image, side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Scale a glyph and put it somewhere into an empty square; 1 is full ink."""
    factor = side * random.uniform(*FILLED) / max(glyph.size)
    width, height = (max(round(length * factor), 1) for length in glyph.size)
    small_HW = np.asarray(glyph.resize((width, height), Image.Resampling.BOX)) / 255
    share_HW = np.zeros((side, side))
    # Two pixels of paper stay on each side: the border tells what is paper.
    top, left = (int(random.integers(2, side - length - 1)) for length in (height, width))
    share_HW[top : top + height, left : left + width] = small_HW
    return share_HW


def _photographed(grey_HW: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.uint8]:
    """Grey values in light that falls from one side, with noise."""
    rows_HW, columns_HW = np.mgrid[: grey_HW.shape[0], : grey_HW.shape[1]] / grey_HW.shape[0]
    angle = random.uniform(0, 2 * np.pi)
    across_HW = rows_HW * np.sin(angle) + columns_HW * np.cos(angle)
    shade_HW = (across_HW - across_HW.min()) / np.ptp(across_HW)
    lit_HW = grey_HW * (1 - random.uniform(0, DARKEST) * shade_HW)
    noisy_HW = lit_HW + random.normal(0, random.uniform(0, MOST_NOISE), lit_HW.shape)
    image_HW: NDArray[np.uint8] = np.rint(np.clip(noisy_HW, 0, 255)).astype(np.uint8)
    return image_HW


def write_folder(folder: Path, families: Sequence[Family], images: int, seeds: bytes) -> None:
    """Write so many images of each character, of each family as many, as far as they divide."""
    for character in CHARACTERS:
        (folder / character).mkdir(parents=True, exist_ok=True)
        for n in range(images):
            family = families[n % len(families)]
            # A stream each: other families or more images leave these as they are.
            random = np.random.default_rng([n, ord(character), *seeds])
            font = family.fonts[n // len(families) % len(family.fonts)]
            image = Image.fromarray(rendered(character, font, random))
            image.save(folder / character / f"{family.name}-{n:03}.png")


def _seeds(seed: int, part: str) -> bytes:
    """What the random streams of a part begin with."""
    return f"{seed}:{part}".encode()


def page(family: Family, seed: int) -> tuple[NDArray[np.uint8], str]:
    """A tilted page of all characters in random order, in light from one side, and its text."""
    random = np.random.default_rng([*_seeds(seed, "page")])
    order = "".join(random.permutation(list(CHARACTERS)))
    words = [order[n : n + WORD] for n in range(0, len(order), WORD)]
    lines = [" ".join(words[n : n + WORDS]) for n in range(0, len(words), WORDS)]
    font = family.fonts[0].font_variant(size=POINTS)
    share = Image.new("L", (PAGE_WIDTH, 2 * MARGIN + LINE * len(lines)))
    draw = ImageDraw.Draw(share)
    for row, line in enumerate(lines):
        left = float(MARGIN)
        for character in line:
            draw.text((left, MARGIN + LINE * row), character, 255, font)
            left += font.getlength(character) + LETTER_SPACE
    tilted_HW = np.asarray(share.rotate(-PAGE_TILTED, Image.Resampling.BICUBIC)) / 255
    paper, ink = max(PAPER), min(INK)
    return _photographed(paper + (ink - paper) * tilted_HW, random), "\n".join(lines) + "\n"


def main(words: Sequence[str]) -> int:
    """Write everything; returns the exit code."""
    parser = argparse.ArgumentParser(description="Gujarati characters, rendered from fonts.")
    parser.add_argument("folder", type=Path, help="where train/ and test/ are written to")
    parser.add_argument("--images", type=int, default=100, help="to train on, of each character")
    parser.add_argument("--tests", type=int, default=20, help="to test with, of each character")
    parser.add_argument("--unseen", help=f"family to leave out of both: {', '.join(FAMILIES)}")
    parser.add_argument("--fonts", type=Path, default=FONTS, help="folder with the fonts")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    folder: Path = options.folder
    beside = folder.with_name(f"{folder.name}-unseen")
    try:
        if taken := [path for path in (folder, beside) if path.exists()]:
            raise RefusedError(f"{taken[0]}: is there already")
        families = [find_family(options.fonts, name) for name in FAMILIES]
        unseen = [find_family(options.fonts, options.unseen)] if options.unseen else []
    except RefusedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    seen = [family for family in families if family.name != options.unseen]
    write_folder(folder / "train", seen, options.images, _seeds(options.seed, "train"))
    write_folder(folder / "test", seen, options.tests, _seeds(options.seed, "test"))
    if unseen:
        write_folder(beside, unseen, options.tests, _seeds(options.seed, "unseen"))
    page_HW, text = page(seen[0], options.seed)
    Image.fromarray(page_HW).save(folder.with_name(f"{folder.name}-page.png"))
    folder.with_name(f"{folder.name}-page.txt").write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
