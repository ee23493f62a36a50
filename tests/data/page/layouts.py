"""Pages of MNIST's test digits, laid out here, so that every box is known."""

from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_seq.data.mnist import read_mnist
from mnist_seq.data.page.layout import Character, find_characters
from mnist_seq.data.page.scan import Scan, straightened

SCALE, PITCH, LINE, MARGIN = 2, 52, 84, 90
PAPER, INK = 225.0, 40.0
OVERLAP = 2  # pixels that touching digits have in common
BASELINE, RULE = 46, 2  # of a ruled line: how far below a digit's image begins, and how thick
SAME_PLACE = 0.6  # share of the area that two boxes cover


@dataclass(frozen=True)
class Layout:
    """A page, and where its digits were put.

    Attributes
    ----------
    grey_HW : uint8, shape (H, W)
        The page.
    boxes_N4 : float, shape (N, 4)
        Left, top, right and bottom of each digit from the middle of the page, before it was tilted.
    text : str
        The digits, in lines and words.
    """

    grey_HW: NDArray[np.uint8]
    boxes_N4: NDArray[np.float64]
    text: str


def page(
    words: str = "## #### ####/##### #####/### ####### #/########/#### ##### #/### #########",
    *,
    first: int = 0,
    tilt: float = 0.0,
    is_light: bool = False,
    shadow: float = 0.0,
    noise: float = 0.0,
    specks: int = 0,
    pitch: int = PITCH,
    touching: int = 0,
    rules: float = 0.0,
    angle: float = 0.0,
) -> Layout:
    """Lay out a page of digits.

    Parameters
    ----------
    words : str
        A sign for each digit, and blanks; a stroke ends a line.
    first : int
        Which of MNIST's test digits is first.
    tilt : float
        Degrees, clockwise.
    is_light : bool
        Light ink on dark paper.
    shadow : float
        Share of the light that is lost in the darkest corner.
    noise : float
        Standard deviation of the grain, in grey values.
    specks : int
        Of one or two pixels of full ink, anywhere.
    touching : int
        Every so manieth digit is moved until it touches the one before it; 0: none.
    rules : float
        Share of full ink in a ruled line that each line of digits stands on; 0: none.
    angle : float
        Degrees by which the page is turned away from the camera, its right side farther off.
    """
    test, digits = read_mnist().test, count(first)
    lines = words.split("/")
    height = 2 * MARGIN + LINE * len(lines)
    width = 2 * MARGIN + pitch * max(map(len, lines))
    share_HW, text = np.zeros((height, width)), ""
    boxes: list[tuple[int, int, int, int]] = []
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            if sign == " ":
                text += " "
                continue
            n = next(digits)
            image_HW = np.kron(test.images_NSF[n], np.ones((SCALE, SCALE))) / 255
            rows, columns = (np.flatnonzero((image_HW > 0.4).any(axis)) for axis in (1, 0))
            top, left = MARGIN + row * LINE, MARGIN + column * pitch
            if touching and len(boxes) % touching == 1 and column and line[column - 1] != " ":
                left = boxes[-1][2] - columns[0] - OVERLAP
            there = share_HW[top : top + len(image_HW), left : left + len(image_HW)]
            np.maximum(there, image_HW, out=there)
            box = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
            boxes.append(box)
            text += str(test.labels_N[n])
        text += "\n"
    for row in range(len(lines)):
        rule = MARGIN + row * LINE + BASELINE
        share_HW[rule : rule + RULE] = np.maximum(share_HW[rule : rule + RULE], rules)
    random = np.random.default_rng(0)
    for row, column in random.integers(0, (height - 2, width - 2), (specks, 2)):
        share_HW[row : row + 2, column : column + random.integers(1, 3)] = 1
    tilted = Image.fromarray(share_HW.astype(np.float32)).rotate(-tilt, Image.Resampling.BICUBIC)
    if angle:
        tilted = _turned_away(tilted, angle)
    grey_HW = PAPER + (INK - PAPER) * np.clip(np.asarray(tilted), 0, 1)
    if is_light:
        grey_HW = 255 - grey_HW
    rows_HW, columns_HW = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    grey_HW = grey_HW * (1 - shadow * np.clip(rows_HW + columns_HW - 0.6, 0, 1))
    grey_HW = grey_HW + random.normal(0, noise, grey_HW.shape)
    middle = np.array([width, height, width, height]) / 2
    return Layout(
        np.rint(np.clip(grey_HW, 0, 255)).astype(np.uint8), np.array(boxes) - middle, text
    )


def _turned_away(page: Image.Image, degrees: float) -> Image.Image:
    """A page as a camera sees it that is as far away as the page's longer side is long."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    distance, (middle, height) = max(page.size), np.array(page.size) / 2
    # A point x to the right of the middle is seen at x cos / (1 + x sin / distance), one y below it
    # at y / (1 + x sin / distance). The picture's points are looked up on the page: inverted.
    away = -sine / distance / cosine
    to_page = np.array([[1 / cosine, 0, 0], [0, 1, 0], [away, 0, 1]])
    to_middle = np.array([[1, 0, -middle], [0, 1, -height], [0, 0, 1]])
    matrix = np.linalg.inv(to_middle) @ to_page @ to_middle
    coefficients = (matrix / matrix[2, 2]).ravel()[:8]
    return page.transform(
        page.size, Image.Transform.PERSPECTIVE, coefficients.tolist(), Image.Resampling.BICUBIC
    )


def found_on(layout: Layout) -> tuple[Scan, list[list[Character]]]:
    """The page made straight, and the characters that are found on it, line by line."""
    scan = straightened(layout.grey_HW, "auto")
    return scan, find_characters(scan.ink_HW)


def share_of_both(first_4: NDArray[np.float64], second_4: NDArray[np.float64]) -> float:
    """Area that two boxes have in common, of what both cover."""
    sides = np.minimum(first_4[2:], second_4[2:]) - np.maximum(first_4[:2], second_4[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    both = sum(float(np.prod(box[2:] - box[:2])) for box in (first_4, second_4))
    return common / (both - common)


def in_order(layout: Layout, scan: Scan, lines: list[list[Character]]) -> int:
    """How many of the digits that were laid out have been found, each after those before it."""
    height, width = scan.ink_HW.shape
    middle = np.array([width, height, width, height]) / 2
    boxes = [each.box for line in lines for each in line]
    found = [np.array([box.left, box.top, box.right, box.bottom]) - middle for box in boxes]
    latest, count = -1, 0
    for box in layout.boxes_N4:
        shares = [share_of_both(box, each) for each in found]
        place = int(np.argmax(shares))
        if shares[place] > SAME_PLACE and place > latest:
            latest, count = place, count + 1
    return count
