import math

import numpy as np
import pytest

from mnist_seq.report.figures.scales import ValueScale, round_ticks
from tests.report.studies import study


def test_an_axis_of_accuracies_is_even_in_the_logarithm_of_the_error() -> None:
    scale = ValueScale(study(3))
    assert scale.position(0.99) - scale.position(0.9) == pytest.approx(1.0)
    assert scale.position(0.999) - scale.position(0.99) == pytest.approx(1.0)
    assert math.isfinite(scale.position(1.0))


def test_upwards_is_better_for_a_loss_too() -> None:
    scale = ValueScale(study(3, objective="validation_loss"))
    assert scale.position(0.01) > scale.position(0.1)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.995), (0.97, 0.991), (0.9889, 0.9893)])
def test_ticks_of_accuracies_are_true_and_apart(low: float, high: float) -> None:
    scale = ValueScale(study(3))
    ends = float(scale.position(low)), float(scale.position(high))
    positions, labels = scale.ticks(*ends)
    assert len(labels) >= 2
    assert len(set(labels)) == len(labels)
    for position, label in zip(positions, labels, strict=True):
        assert position == pytest.approx(float(scale.position(float(label[:-2]) / 100)))
    assert min(np.diff(positions), default=1) >= 0.149 * (ends[1] - ends[0])


def test_even_ticks_say_exactly_where_they_are() -> None:
    positions, labels = round_ticks(97.6, 99.3)
    assert [float(label) for label in labels] == positions == [98.0, 98.5, 99.0]


def test_epochs_have_whole_ticks() -> None:
    assert round_ticks(1, 3, whole=True) == ([1.0, 2.0, 3.0], ["1", "2", "3"])
