"""A scan or photo of a page as straight ink: light evened out, ink told from paper, tilt turned.

Shapes: H rows and W columns.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnist_seq.data.images.form import Ink, clean_ink
from mnist_seq.data.images.picture import BLACK, WHITE, BadImageError, open_picture, quiet
from mnist_seq.data.page.rules import without_rules
from mnist_seq.data.page.tilt import Slope, slope_of
from mnist_seq.errors import DataError

WORKING_SIDE = 3600  # pixels; a sheet of A4 at 300 dots an inch has 3508
# The paper's grey at a place is the median around it: over a tenth of the page, so that more of it
# is paper than ink, and on a reduced page, since light changes slowly.
PAPER_SIDE, WINDOW = 128, 13
GRAIN = 5  # standard deviations: of ten million pixels of paper, three are beyond
SIGMA_OF_MEDIAN = 1.4826  # of a normal distribution, from the median of what is off
SMALLEST_TURN = 0.1  # degrees; turning blurs, and less does not matter


@dataclass(frozen=True)
class Scan:
    """A page, upright and straight.

    Attributes
    ----------
    grey_HW : uint8, shape (H, W)
        As it looks.
    ink_HW : uint8, shape (H, W)
        255 for full ink and 0 for paper.
    tilt : float
        Degrees, clockwise, by which its lines were tilted.
    is_dark : bool
        Whether the ink is darker than the paper.
    """

    grey_HW: NDArray[np.uint8]
    ink_HW: NDArray[np.uint8]
    tilt: float
    is_dark: bool


def read_scan(path: Path, ink: Ink) -> Scan:
    """Read a page from an image file.

    Parameters
    ----------
    ink : str
        Whether the ink is dark or light; auto: what differs most from the paper around it is ink.

    Raises
    ------
    DataError
        If the file is no usable image, or the page is blank.
    """
    try:
        with quiet():
            picture = open_picture(path, WORKING_SIDE)
        return straightened(picture.on(BLACK if ink == "light" else WHITE), ink)
    except BadImageError as error:
        raise DataError(f"{path}: {error}") from None


def straightened(grey_HW: NDArray[np.uint8], ink: Ink) -> Scan:
    """Tell ink from paper on a page, and turn it so that its lines are level.

    Raises
    ------
    BadImageError
        If there is no ink.
    """
    paper_HW = _paper(grey_HW)
    above_HW = grey_HW - paper_HW
    # Ink is the smaller part of a page: it makes the long tail of the differences.
    is_dark = float((above_HW**3).sum()) < 0 if ink == "auto" else ink == "dark"
    room_HW = paper_HW if is_dark else WHITE - paper_HW
    contrast_HW = (-above_HW if is_dark else above_HW) * (WHITE / np.maximum(room_HW, 1))
    # Of little ink on a large page, Otsu's threshold would part the paper's own grain.
    grain = float(np.median(np.abs(contrast_HW))) * SIGMA_OF_MEDIAN
    contrast_HW[contrast_HW < GRAIN * grain] = 0
    seen_HW = np.rint(np.clip(contrast_HW, 0, WHITE)).astype(np.uint8)
    ink_HW = clean_ink(seen_HW)
    slope = slope_of(ink_HW)
    if abs(slope.tilt) < SMALLEST_TURN and not slope.convergence:
        return Scan(grey_HW, without_rules(ink_HW, seen_HW), 0.0, is_dark)
    level_HW = _level(grey_HW, slope, int(np.median(paper_HW)))
    ink_HW, seen_HW = (_level(each_HW, slope, 0) for each_HW in (ink_HW, seen_HW))
    return Scan(level_HW, without_rules(ink_HW, seen_HW), slope.tilt, is_dark)


def _paper(grey_HW: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The paper's grey at each place, whatever light falls on it."""
    page = Image.fromarray(grey_HW)
    small_HW = np.asarray(page.reduce(-(-max(page.size) // PAPER_SIDE)))
    median_HW = ndimage.median_filter(small_HW, WINDOW, mode="nearest").astype(np.float32)
    smooth_HW = ndimage.uniform_filter(median_HW, 3, mode="nearest")
    return np.asarray(Image.fromarray(smooth_HW).resize(page.size, Image.Resampling.BILINEAR))


def _level(grey_HW: NDArray[np.uint8], slope: Slope, fill: int) -> NDArray[np.uint8]:
    """Project an image so that its lines are level; where nothing was, it is filled."""
    height, width = grey_HW.shape
    matrix = slope.matrix(width)
    corners = [(x, y, 1) for x in (-width / 2, width / 2) for y in (-height / 2, height / 2)]
    x_4, y_4, away_4 = matrix @ np.array(corners).T
    left, right = (x_4 / away_4).min(), (x_4 / away_4).max()
    top, bottom = (y_4 / away_4).min(), (y_4 / away_4).max()
    back = _moved(width / 2, height / 2) @ np.linalg.inv(matrix) @ _moved(left, top)
    level = Image.fromarray(grey_HW).transform(
        (math.ceil(right - left), math.ceil(bottom - top)),
        Image.Transform.PERSPECTIVE,
        (back / back[2, 2]).ravel()[:8].tolist(),
        Image.Resampling.BICUBIC,
        fillcolor=fill,
    )
    return np.asarray(level)


def _moved(right: float, down: float) -> NDArray[np.float64]:
    return np.array([[1, 0, right], [0, 1, down], [0, 0, 1]])
