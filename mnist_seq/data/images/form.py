"""A character's grey values in MNIST's form: its box scaled to 20 of 28 pixels, centred by mass.

MNIST's authors began with black and white images; here grey values are kept, so that small images
lose nothing, and an image that is in the form already stays nearly what it is.

Shapes: H rows and W columns of the image as it comes; S rows and F pixels of a row, both of the
given size, of the image that it becomes.

References
----------
LeCun, Cortes & Burges, "The MNIST database of handwritten digits": size normalized to fit in a
20 by 20 pixel box while preserving the aspect ratio, grey levels from anti-aliasing, centred in a
28 by 28 image by the center of mass of the pixels.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mnist_seq.data.images.picture import BLACK, WHITE, BadImageError, Picture
from mnist_seq.data.images.threshold import even_light, has_dark_ink, histogram, otsu_threshold

Ink = Literal["auto", "dark", "light"]
BOX = 20 / 28  # share of the image's side
MIN_CONTRAST = 24  # grey values, of 255, between ink and paper; below, it is the paper's own grain
MIN_INK_PIXELS = 4
FAINTEST = 50  # of 255: what is less beside the outermost stroke is the grain or shade of paper
SOFT_EDGE = 1  # pixels around ink, that are darker than the threshold
_GREYS = np.arange(256)


def mnist_form(picture: Picture, size: int, ink: Ink) -> tuple[NDArray[np.uint8], bool]:
    """Bring a picture into MNIST's form.

    Parameters
    ----------
    picture : Picture
        Of one character on paper. Where it is transparent, the paper is white, or black for light
        ink; with ``auto``, black where nothing would be seen on white.
    size : int
        Rows, and pixels of a row, of the result.
    ink : str
        Whether the ink is dark or light; auto: the image's border shows what is paper.

    Returns
    -------
    tuple of (uint8 of shape (S, F), bool)
        The image, 255 for full ink and 0 for paper; and whether the ink was dark.

    Raises
    ------
    BadImageError
        If there is no ink.
    """
    grey_HW = picture.on(BLACK if ink == "light" else WHITE)
    try:
        return _formed(grey_HW, size, ink)
    except BadImageError:
        if picture.opacity_HW is None or ink != "auto":
            raise
        return _formed(picture.on(BLACK), size, ink)


def _formed(grey_HW: NDArray[np.uint8], size: int, ink: Ink) -> tuple[NDArray[np.uint8], bool]:
    grey_HW = even_light(grey_HW)
    is_dark = has_dark_ink(grey_HW) if ink == "auto" else ink == "dark"
    ink_HW = clean_ink(255 - grey_HW if is_dark else grey_HW)
    return placed(ink_HW, size), is_dark


def placed(ink_HW: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale and centre a character's ink as in MNIST, in a square image of side `size`."""
    return centred(scaled(cropped(ink_HW), round(BOX * size)), size)


def clean_ink(ink_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch light ink on dark paper to 0 to 255; all that is not near ink is paper.

    Raises
    ------
    BadImageError
        If ink and paper hardly differ, or there are fewer than `MIN_INK_PIXELS` of ink.
    """
    counts = histogram(ink_HW)
    threshold, _ = otsu_threshold(counts)
    first, last = counts[: threshold + 1], counts[threshold + 1 :]
    if not first.any() or last.sum() < MIN_INK_PIXELS:
        raise BadImageError("is blank")
    paper, full = _median(first), threshold + 1 + _median(last)
    if full - paper < MIN_CONTRAST:
        raise BadImageError(f"is blank: ink and paper differ by {full - paper} of 255")
    stretched = np.rint(np.clip((_GREYS - paper) * (255 / (full - paper)), 0, 255))
    is_ink = Image.fromarray(np.where(ink_HW > threshold, np.uint8(255), np.uint8(0)))
    near_HW = np.asarray(is_ink.filter(ImageFilter.MaxFilter(2 * SOFT_EDGE + 1))) > 0
    return np.where(near_HW, stretched.astype(np.uint8)[ink_HW], np.uint8(0))


def _median(counts: NDArray[np.int64]) -> int:
    """Lower median of whole numbers from 0 on, from how many there are of each."""
    below = np.cumsum(counts)
    return int(np.searchsorted(below, (below[-1] + 1) // 2))


def cropped(ink_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut out the smallest box that holds all ink but the faintest."""
    is_ink_HW = ink_HW > FAINTEST
    rows, columns = (np.flatnonzero(is_ink_HW.any(axis=axis)) for axis in (1, 0))
    box: NDArray[np.uint8] = ink_HW[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return box


def scaled(ink_HW: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Scale an image, aspect kept, to a longer side of `side` pixels; full ink is 255."""
    factor = side / max(ink_HW.shape)
    height, width = (max(1, round(length * factor)) for length in ink_HW.shape)
    exact = Image.fromarray(ink_HW.astype(np.float32))
    small_HW = np.asarray(exact.resize((width, height), Image.Resampling.BICUBIC))
    # Thin strokes are faint once they are averaged with the paper around them.
    stretched_HW = np.clip(small_HW * (255 / float(small_HW.max())), 0, 255)
    return np.rint(stretched_HW).astype(np.uint8)


def centred(ink_HW: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Place an image so that its centre of mass is at pixel size / 2 of each side, as MNIST's is.

    Rounded to whole pixels, so that strokes stay sharp; no ink falls off the edge.
    """
    image_SF = np.zeros((size, size), np.uint8)
    height, width = ink_HW.shape
    mass = float(ink_HW.sum())
    middles = (
        float(ink_HW.sum(axis=1) @ np.arange(height)) / mass,
        float(ink_HW.sum(axis=0) @ np.arange(width)) / mass,
    )
    top, left = (
        min(max(round(size / 2 - middle), 0), size - length)
        for middle, length in zip(middles, (height, width), strict=True)
    )
    image_SF[top : top + height, left : left + width] = ink_HW
    return image_SF
