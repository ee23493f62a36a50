import math

import numpy as np
import pytest

from mnist_seq.config import Choices, Range
from mnist_seq.report import wording
from mnist_seq.report.scales import ValueScale, activity, hyperparameter, round_ticks
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


def test_a_child_is_active_only_where_its_parent_says_so() -> None:
    tables = study(40)
    active = activity(tables, tables.scored, "model.readout")
    assert list(active) == [bool(v) for v in tables.scored["model.return_sequences"]]
    assert list(hyperparameter(tables, "model.readout").active) == list(active)


def test_a_choice_stands_at_its_index_in_the_order_of_numbers() -> None:
    tables = study(20, space={"training.batch_size": Choices(choices=[64, 28, 256])})
    found = hyperparameter(tables, "training.batch_size")
    assert found.categories == (28, 64, 256)
    by_hand = [[28, 64, 256].index(v) for v in tables.scored["training.batch_size"]]
    assert list(found.positions) == by_hand


def test_null_may_be_a_choice() -> None:
    space = {"training.clip_norm": Choices(choices=[None, 1.0])}
    tables = study(20, lambda _: 0.9, space=space)
    found = hyperparameter(tables, "training.clip_norm")
    assert found.active.all()
    assert found.ticks()[1] == ["null", "1"]


def test_a_baseline_outside_the_range_stays_in_the_picture() -> None:
    space = {"model.units": Range(low=64, high=128)}
    tables = study(10, space=space, law=lambda _: 0.9, baseline={"model.units": 16})
    found = hyperparameter(tables, "model.units")
    assert found.frame[0] < 16


def test_names_too_long_for_a_tick_still_differ() -> None:
    first, second = (wording.shortened(f"a rather long name of choice {n}", 12) for n in (1, 2))
    assert len(first) == len(second) == 12
    assert first != second


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (True, "true"),
        (np.bool_(False), "false"),
        (None, "null"),
        (28.0, "28"),
        (0.0021412, "0.00214"),
        ("mean", "mean"),
    ],
)
def test_settings_are_written_as_in_yaml(cell: object, text: str) -> None:
    assert wording.setting(cell) == text
