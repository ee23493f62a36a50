"""Neighbours on a line that may be parts of one character, and which reading of a line is best.

Marks above each other are joined by their places alone; for those beside each other, as Gujarati's
ગ and ણ have them, a network must say what is more probable. A span is the places of neighbours in
a line, from a first to one beyond the last.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mnist_seq.data.page.layout import NARROWEST, TOUCHING, Character

MOST_PARTS = 3
NEAR = 0.25  # of a character's height, between two parts
WIDEST = 1.8  # times the typical width, of what was cut and may be one after all

Span = tuple[int, int]


def spans(lines: Sequence[Sequence[Character]]) -> Iterator[list[Span]]:
    """Spans of each line that may be a character: each mark alone, and neighbours near enough."""
    boxes = [each.box for line in lines for each in line]
    height = float(np.median([box.height for box in boxes]))
    width = max(float(np.median([box.width for box in boxes])), NARROWEST * height)
    for line in lines:
        yield [
            (first, end)
            for first in range(len(line))
            for end in range(first + 1, min(first + MOST_PARTS, len(line)) + 1)
            if end == first + 1 or _may_be_one(line[first:end], NEAR * height, width)
        ]


def _may_be_one(parts: Sequence[Character], near: float, width: float) -> bool:
    if any(part.is_after_space for part in parts[1:]):
        return False
    gap = max(b.box.left - a.box.right for a, b in itertools.pairwise(parts))
    # What was cut is wide by itself, and touched.
    widest = WIDEST if all(part.is_cut for part in parts) else TOUCHING
    return gap <= near and parts[-1].box.right - parts[0].box.left <= widest * width


def joined(parts: Sequence[Character]) -> Character:
    """All parts as one character."""
    if len(parts) == 1:
        return parts[0]
    box = parts[0].box
    for part in parts[1:]:
        box = box.with_box(part.box)
    ink_HW = np.zeros((box.height, box.width), np.uint8)
    for part in parts:
        top, left = part.box.top - box.top, part.box.left - box.left
        there = ink_HW[top : top + part.box.height, left : left + part.box.width]
        np.maximum(there, part.ink_HW, out=there)
    is_cut = any(part.is_cut for part in parts) and not all(part.is_cut for part in parts)
    return Character(box, ink_HW, parts[0].is_after_space, is_cut)


def best_spans(probabilities: Mapping[Span, float]) -> list[Span]:
    """The most probable way to cover a line with spans; a span counts once for each of its parts.

    Parameters
    ----------
    probabilities : mapping of Span to float
        Of the class that each is most probably; each mark alone must be among them.
    """
    best: dict[int, tuple[float, list[Span]]] = {0: (0.0, [])}
    for (first, end), probability in sorted(probabilities.items(), key=lambda each: each[0][1]):
        total, before = best[first]
        total += (end - first) * math.log(probability)
        if end not in best or total > best[end][0]:
            best[end] = total, [*before, (first, end)]
    return best[max(best)][1]
