"""Which configs a sensitivity analysis trains, counted by hand."""

import pytest

from mnist_seq.config.search import Choices, Range
from mnist_seq.config.settings import Config, Scalar, value_at
from mnist_seq.config.validation import with_values
from mnist_seq.errors import ConfigError
from mnist_seq.search.variations import Variations, values_to_try, variations
from tests.examples import EARLIER_DEFAULTS, config, sweep_config

SPACE = sweep_config(*EARLIER_DEFAULTS).search.space
UNITS, RATE = SPACE["model.units"], SPACE["training.learning_rate"]
ATTENTION = {"model.return_sequences": True, "model.readout": "attention"}


def chosen(**values: object) -> Config:
    plain = {"model.units": 60, "training.learning_rate": 0.002, "training.epochs": 6}
    return with_values(config(), plain | values)  # type: ignore[arg-type]


def planned(base: Config, **given: object) -> Variations:
    whole = {"space": SPACE, "usual": {}, "values": {}, "pairs": []} | given
    return variations(base, **whole)  # type: ignore[arg-type]


def test_a_space_is_varied_one_hyperparameter_at_a_time() -> None:
    plan = planned(chosen(**ATTENTION))
    curves = {path: [value for value, _ in curve] for path, curve in plan.curves.items()}
    assert curves == {
        "model.units": [16, 32, 60, 128],  # 64 lies next to the chosen one
        "model.return_sequences": [True, False],
        "model.readout": ["each_step", "mean", "max", "flatten", "attention"],
        "training.learning_rate": [1e-4, 4.6e-4, 0.002, 1e-2],  # 0.0022 is next to it
        "training.batch_size": [28, 64, 128, 256],
        "training.epochs": [3, 5, 6, 8, 10],
    }
    # The chosen one is in all six curves, and trained once.
    assert len(plan.configs) == 1 + 3 + 1 + 4 + 3 + 3 + 4
    for config_, changed in zip(plan.configs, plan.changes, strict=True):
        assert with_values(plan.configs[0], changed) == config_
    for path, curve in plan.curves.items():
        for value, place in curve:
            assert value_at(plan.configs[place], path) == value
            assert plan.changes[place].keys() <= {path, "model.readout"}


def test_a_value_brings_what_its_condition_asks_for() -> None:
    plan = planned(chosen(), values={"model.readout": ["mean"]})
    assert plan.changes == [{}, {"model.readout": "mean", "model.return_sequences": True}]
    assert plan.curves["model.readout"] == [("mean", 1), ("last", 0)]


def test_what_a_value_makes_active_gets_its_usual_value() -> None:
    plan = planned(
        chosen(), usual={"model.readout": "max"}, values={"model.return_sequences": [True]}
    )
    assert plan.changes[1] == {"model.readout": "max", "model.return_sequences": True}


def test_without_a_study_values_are_given() -> None:
    plan = planned(chosen(), space={}, values={"model.readout": ["mean"], "model.layers": [2, 1]})
    assert [changed.keys() for changed in plan.changes[1:]] == [
        {"model.readout", "model.return_sequences"},
        {"model.layers"},
    ]
    assert plan.curves["model.layers"] == [(1, 0), (2, 2)]


def test_a_pair_is_a_grid_without_what_excludes_each_other() -> None:
    pair = ("model.return_sequences", "model.readout")
    plan = planned(
        chosen(), values={pair[0]: [True, False], pair[1]: ["mean", "last"]}, pairs=[pair]
    )
    grid = plan.grids[pair]
    assert (grid.first, grid.second) == ([True, False], ["mean", "last"])
    mean = plan.changes.index({"model.readout": "mean", "model.return_sequences": True})
    assert grid.rows == [[mean, None], [None, 0]]


@pytest.mark.parametrize(
    ("dimension", "value", "tried"),
    [
        (UNITS, 128, [16, 32, 64, 128]),
        (UNITS, 120, [16, 32, 64, 120]),
        (UNITS, 200, [16, 32, 64, 128, 200]),  # a baseline may lie outside
        (Range(low=3, high=10), 10, [3, 5, 8, 10]),
        (Range(low=3, high=4), 3, [3, 4]),
        (Range(low=32, high=96, step=32), 64, [32, 64, 96]),
        (Choices(choices=[256, 28]), 28, [28, 256]),
        (Choices(choices=["b", "a"]), "c", ["b", "a", "c"]),
        (Range(low=5, high=5), 5, [5]),
        (Range(low=0, high=90, step=100), 0, [0]),
    ],
)
def test_values_that_show_an_effect(
    dimension: Range | Choices, value: Scalar, tried: list[Scalar]
) -> None:
    assert values_to_try("model.units", dimension, value) == tried


def test_a_fractional_setting_is_varied_in_fractions() -> None:
    path = "training.augmentation.elastic"
    assert values_to_try(path, Range(low=0, high=1), 0.0) == [0.0, 0.33, 0.67, 1]


def test_values_of_a_narrow_range_lie_inside_it() -> None:
    rate = "training.learning_rate"
    assert values_to_try(rate, Range(low=0.00214, high=0.00214), 0.00214) == [0.00214]
    narrow = Range(low=0.00101, high=0.00109)
    assert values_to_try(rate, narrow, 0.00101) == [0.00101, 0.00104, 0.00106, 0.00109]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"values": {"model.unit": [1]}}, "values.model.unit: model.unit is not a setting; did"),
        ({"values": {"model.units": [0]}}, "values.model.units: must be at least 1 (got 0)"),
        ({"values": {"seed": [1]}}, "values.seed: seeds=N trains with several"),
        ({"pairs": [("model.units", "model.layers")]}, "pairs: model.layers is not searched"),
        ({"space": {}}, "say what to try, as in values.model.units=[16,64]"),
        ({"values": {"model.units": [60]}}, "nothing to try"),
    ],
)
def test_what_cannot_be_tried_is_said(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        planned(chosen(), **given)
    assert message in str(refused.value)
