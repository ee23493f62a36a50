"""Characters of a page in reading order: marks joined, put into lines, cut where they touch.

Lines run from top to bottom and characters from left to right.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.page.marks import INK, Marks, find_marks

# Shares of a character's height.
BODY = 0.5  # what is lower is a dot, an accent, a dash or a piece
REACH = 0.6  # how far a dot or an accent is from its body
NARROWEST = 0.75  # width of a typical character at the least, whatever a line's median says
SPACE = 0.4  # gap between words at the least

SAME_LINE = 0.5  # share of the lower one's height that two have in common
STACKED = 0.5  # share of the narrower one's width that two parts of a character have in common
BESIDE = 0.4  # share of the lower one's height; above it two are beside each other
TOUCHING = 1.6  # times the typical width
WIDER_GAP, WIDER_PITCH = 1.8, 1.3  # times the line's median, between words
SHIFT = 0.25  # of the width, by which a cut may be away from even parts


@dataclass(frozen=True)
class Box:
    """Where something is, in pixels; right and bottom are the first beyond it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Horizontal middle, in pixels from the page's left edge."""
        return (self.left + self.right) / 2

    def across(self, other: "Box") -> float:
        """Horizontal overlap as a share of the narrower box's width; negative for a gap."""
        common = min(self.right, other.right) - max(self.left, other.left)
        return common / min(self.width, other.width)

    def along(self, other: "Box") -> float:
        """Vertical overlap as a share of the less tall box's height; negative for a gap."""
        common = min(self.bottom, other.bottom) - max(self.top, other.top)
        return common / min(self.height, other.height)

    def with_box(self, other: "Box") -> "Box":
        """Return the smallest box that holds this one and another."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True)
class Character:
    """A character on a page.

    Attributes
    ----------
    box : Box
        Where it is.
    ink_HW : uint8, shape (height, width)
        Its own ink in the box; 255 is full.
    is_after_space : bool
        Whether a word begins with it.
    is_cut : bool
        Whether it touched another, so that the cut between them is a guess.
    """

    box: Box
    ink_HW: NDArray[np.uint8]
    is_after_space: bool = False
    is_cut: bool = False


@dataclass(frozen=True)
class _Part:
    box: Box
    numbers: tuple[int, ...]

    def joined(self, other: "_Part") -> "_Part":
        return _Part(self.box.with_box(other.box), self.numbers + other.numbers)


def find_characters(ink_HW: NDArray[np.uint8]) -> list[list[Character]]:
    """Find the characters of a straight page, line by line.

    Parameters
    ----------
    ink_HW : uint8, shape (H, W)
        255 for full ink and 0 for paper.

    Raises
    ------
    BadImageError
        If there are far more marks than a page of text has, or they are too small.
    """
    marks = find_marks(ink_HW)
    parts = [
        _Part(Box(*map(int, box)), (int(number),))
        for box, number in zip(marks.boxes_N4, marks.known_N, strict=True)
    ]
    bodies = [part for part in parts if part.box.height >= BODY * marks.height]
    lines = _lines(bodies)
    for part in parts:
        if part.box.height < BODY * marks.height:
            _put_into_line(part, lines, marks.height)
    return [_characters(line, ink_HW, marks) for line in lines]


def _lines(bodies: Sequence[_Part]) -> list[list[_Part]]:
    """Group bodies that stand side by side into lines, from top to bottom."""
    lines: list[list[_Part]] = []
    for part in sorted(bodies, key=lambda part: part.box.top + part.box.bottom):
        # Only the latest can reach so far down.
        fits = [(_band(line).along(part.box), line) for line in lines[-3:]]
        share, line = max(fits, key=lambda fit: fit[0], default=(0.0, []))
        if share >= SAME_LINE:
            line.append(part)
        else:
            lines.append([part])
    return sorted(lines, key=lambda line: _band(line).top)


def _band(line: Sequence[_Part]) -> Box:
    """A line's typical top and bottom, over its whole width."""
    boxes = [part.box for part in line]
    return Box(
        min(box.left for box in boxes),
        int(np.median([box.top for box in boxes])),
        max(box.right for box in boxes),
        int(np.median([box.bottom for box in boxes])),
    )


def _put_into_line(part: _Part, lines: list[list[_Part]], height: float) -> None:
    """Join a small part to the character above or below it, or put it beside them as its own."""
    near = [
        (max(body.box.top - part.box.bottom, part.box.top - body.box.bottom), line, place)
        for line in lines
        for place, body in enumerate(line)
        if body.box.across(part.box) >= STACKED
    ]
    distance, line, place = min(near, key=lambda each: each[0], default=(np.inf, [], 0))
    if distance <= REACH * height:
        line[place] = line[place].joined(part)
        return
    for line in lines:
        if _band(line).along(part.box) >= SAME_LINE:
            line.append(part)
            return


def _characters(line: Sequence[_Part], ink_HW: NDArray[np.uint8], marks: Marks) -> list[Character]:
    whole: list[_Part] = []
    for part in sorted(line, key=lambda part: part.box.left):
        if whole and _are_one(whole[-1].box, part.box):
            whole[-1] = whole[-1].joined(part)
        else:
            whole.append(part)
    median = float(np.median([part.box.width for part in whole]))
    width = max(median, NARROWEST * marks.height)
    found = [each for part in whole for each in _cut(_character(part, ink_HW, marks), width)]
    return _with_spaces(sorted(found, key=lambda each: each.box.middle), marks.height)


def _are_one(first: Box, second: Box) -> bool:
    """Whether two marks of a line are parts of one character: one above the other."""
    return first.across(second) >= STACKED and first.along(second) < BESIDE


def _character(part: _Part, ink_HW: NDArray[np.uint8], marks: Marks) -> Character:
    box = part.box
    there = slice(box.top, box.bottom), slice(box.left, box.right)
    # Beside its own marks are the soft edges, which belong to no mark.
    is_other_HW = ~np.isin(marks.numbers_HW[there], (0, *part.numbers))
    return Character(box, np.where(is_other_HW, np.uint8(0), ink_HW[there]))


def _cut(character: Character, width: float) -> list[Character]:
    """Cut what is as wide as several characters into so many, where the least ink is."""
    box, ink_HW = character.box, character.ink_HW
    if box.width <= TOUCHING * width:
        return [character]
    count = max(round(box.width / width), 2)
    ink_W = ink_HW.astype(np.int64).sum(axis=0)
    cuts = [0]
    for n in range(1, count):
        even, shift = n * box.width / count, SHIFT * width
        columns = np.arange(int(even - shift), int(even + shift) + 1)
        # Of columns alike, that nearest to even parts.
        cost = ink_W[columns] + np.abs(columns - even) / box.width
        cuts.append(int(columns[cost.argmin()]))
    ends = [*cuts[1:], box.width]
    return [
        _trimmed(box, ink_HW, left, right)
        for left, right in zip(cuts, ends, strict=True)
        if (ink_HW[:, left:right] > INK).any()
    ]


def _trimmed(box: Box, ink_HW: NDArray[np.uint8], left: int, right: int) -> Character:
    rows = np.flatnonzero((ink_HW[:, left:right] > INK).any(axis=1))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    part = Box(box.left + left, box.top + top, box.left + right, box.top + bottom)
    return Character(part, ink_HW[top:bottom, left:right], is_cut=True)


def _with_spaces(line: Sequence[Character], height: float) -> list[Character]:
    """Mark where words begin: after a gap that is wide, and not only beside narrow characters."""
    boxes = [character.box for character in line]
    pairs = list(itertools.pairwise(boxes))
    gaps = [second.left - first.right for first, second in pairs]
    pitches = [second.middle - first.middle for first, second in pairs]
    # The lower median: of two gaps, one may be a space.
    widest_gap = max(WIDER_GAP * median_low(gaps or [0]), SPACE * height)
    widest_pitch = WIDER_PITCH * median_low(pitches or [0])
    begins = [
        gap > widest_gap and pitch > widest_pitch for gap, pitch in zip(gaps, pitches, strict=True)
    ]
    return [
        replace(character, is_after_space=is_after_space)
        for character, is_after_space in zip(line, [False, *begins], strict=True)
    ]
