from typing import Any

import numpy as np

from mnist_seq.report.inside.gallery import gallery
from mnist_seq.report.inside.pair import Pair
from tests.report.inside.networks import other_reading, reading


def test_an_image_has_its_class_and_both_answers(drawn: list[Any]) -> None:
    pair = Pair(reading(), other_reading())
    first, second = gallery(pair, [7, 6])
    assert (first.place, first.shows) == (7, "cat")
    told = [(each.network, each.name, each.is_right) for each in first.answers]
    assert told == [("A", "cat", True), ("B", "bee", False)]
    assert second.shows == "bee"
    told = [(each.network, each.name, each.is_right) for each in second.answers]
    assert told == [("A", "cat", False), ("B", "ape", False)]
    for figure, place in zip(drawn, (7, 6), strict=True):
        np.testing.assert_array_equal(
            figure.axes[0].images[0].get_array(), reading().images_NSF[place]
        )
