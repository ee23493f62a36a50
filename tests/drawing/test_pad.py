"""What a browser may say was drawn."""

from typing import Any

import pytest

from mnist_seq.drawing.pad import MOST_PLACES, MOST_STROKES, strokes_of


def test_strokes_are_lists_of_places_on_the_paper() -> None:
    assert strokes_of([]) == []
    assert strokes_of([[[0, 0.25], [1, 1]], [[0.5, 0.5]]]) == [[(0, 0.25), (1, 1)], [(0.5, 0.5)]]


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"strokes": []},
        [[]],
        [[[0.5]]],
        [[[0.5, 1.01]]],
        [[[float("nan"), 0.5]]],
        [[["<b>", 0.5]]],
        [[[0.5, 0.5]]] * (MOST_STROKES + 1),
        [[[0.5, 0.5]] * (MOST_PLACES + 1)],
    ],
)
def test_anything_else_is_nothing(told: Any) -> None:
    assert strokes_of(told) is None
