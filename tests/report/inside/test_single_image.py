from typing import Any

import numpy as np

from mnist_seq.report.inside.answers import draw_confusion
from mnist_seq.report.inside.single_image import (
    MOST_CLASSES,
    by_time,
    draw_activations,
    draw_beliefs,
    leading,
)
from tests.report.inside.networks import gates, reading


def test_probabilities_in_the_picture_are_the_networks_own(drawn: list[Any]) -> None:
    told = reading()
    panel = draw_beliefs(told, 4, "x")
    image, map_ = drawn[0].axes
    np.testing.assert_array_equal(image.images[0].get_array(), told.images_NSF[4])
    np.testing.assert_array_equal(map_.images[0].get_array(), told.beliefs_NSK[4])
    assert [int(x) for x in map_.lines[0].get_xdata()] == [2, 2, 1, 1]
    assert panel.title == "image 4 shows cat, taken for bee"
    assert panel.note == "95 % sure of bee in the end; the answer stays the same from row 3 on."


def test_of_many_classes_the_leading_ones_and_the_true_one_are_shown(drawn: list[Any]) -> None:
    names = tuple(f"class {k}" for k in range(40))
    many = reading(names)
    many.beliefs_NSK[:, :, 20:] += 0.001
    shown = leading(many.beliefs_NSK[4], 9)
    assert {1, 2, 9} <= set(shown.tolist())
    assert len(shown) == MOST_CLASSES
    assert draw_beliefs(many, 4, "x").note.endswith("28 classes less believed are not shown.")
    one_more = reading(names[: MOST_CLASSES + 1])
    assert draw_beliefs(one_more, 4, "x").note.endswith("1 class less believed is not shown.")
    draw_confusion(many.confusions, names)
    assert not drawn[-1].axes[0].texts


def test_heat_maps_show_every_unit_once_in_one_order(drawn: list[Any]) -> None:
    made = gates(2)
    draw_activations(made, 1, "inside", "x")
    order_U = by_time(made.state_MSU)
    assert sorted(order_U) == list(range(6))
    values = [
        made.state_MSU, made.memory_MSU, made.input_MSU,
        made.forget_MSU, made.candidate_MSU, made.output_MSU,
    ]  # fmt: skip
    for axes, value_MSU in zip(drawn[0].axes, values, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), value_MSU[1][:, order_U])


def test_units_are_ordered_by_when_they_speak() -> None:
    late, early = np.zeros((2, 1, 8))
    late[0, 6:], early[0, :2] = 0.5, -0.5
    assert by_time(np.stack([late, early], axis=2)).tolist() == [1, 0]
