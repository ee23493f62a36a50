"""Neighbours that may be one character, and the best reading of a line by counting all of them."""

import itertools
import math

import numpy as np
import pytest

from mnist_seq.data.page.layout import find_characters
from mnist_seq.data.page.parts import Span, best_spans, joined, spans
from tests.data.page.test_layout import drawn

# Hooks of 20 by 40 pixels, and after the second of them a bar that stands near it.
HOOKS = [(100 + 50 * n, 50, 120 + 50 * n, 90) for n in range(5)]
BAR = (176, 50, 180, 90)


def test_a_bar_near_a_letter_may_be_a_part_of_it_and_one_far_off_is_none() -> None:
    lines = find_characters(drawn(*HOOKS, BAR))
    (found,) = spans(lines)
    assert [span for span in found if span[1] - span[0] > 1] == [(1, 3)]
    both = joined(lines[0][1:3])
    assert (both.box.left, both.box.right, both.ink_HW.shape) == (150, 180, (40, 30))
    assert both.ink_HW.astype(bool).sum() == 20 * 40 + 4 * 40


def _ways(count: int) -> list[list[Span]]:
    """All ways to put so many marks into spans of up to three."""
    if not count:
        return [[]]
    return [
        [*way, (count - size, count)]
        for size in range(1, min(count, 3) + 1)
        for way in _ways(count - size)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_best_reading_is_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    ways = _ways(7)
    shares = {span: random.uniform(0.01, 1) for span in set(itertools.chain(*ways))}
    best = max(ways, key=lambda way: sum((b - a) * math.log(shares[a, b]) for a, b in way))
    assert best_spans(shares) == best
