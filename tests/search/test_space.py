import itertools
from typing import Any

import pytest

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.search import Choices, Dimension, Range
from mnist_seq.config.settings import Values, value_at
from mnist_seq.config.validation import with_values as with_
from mnist_seq.errors import ConfigError
from mnist_seq.search.space import check, contains, grid, is_active, ordered
from tests.examples import config, sweep_config

READOUT = "model.readout"
SEQUENCES = "model.return_sequences"
SPACE: dict[str, Dimension] = {
    READOUT: Choices(choices=["mean", "max"], when={SEQUENCES: True}),
    "model.units": Range(low=16, high=64, step=16),
    SEQUENCES: Choices(choices=[True, False]),
}


def searching(space: dict[str, Any], *baselines: dict[str, Any], **search: Any) -> SweepConfig:
    whole = sweep_config("data=digits").model_dump()
    whole["search"] |= {"space": space, "baselines": list(baselines)} | search
    return SweepConfig.model_validate(whole)


def problems(settings: SweepConfig) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        check(settings, settings.search)
    return refused.value.problems


# --- a trial is a new config


def test_a_trial_is_a_new_config_and_the_old_one_stays() -> None:
    old = config()
    new = with_(old, {"model.units": 128, "training.clip_norm": 1.0})
    assert (new.model.units, new.training.clip_norm) == (128, 1.0)
    assert (old.model.units, old.training.clip_norm) == (6, None)
    assert with_(new, {"model.units": 6, "training.clip_norm": None}) == old


def test_a_trial_is_checked_like_any_config() -> None:
    with pytest.raises(ConfigError, match=r"^model.units: must be at least 1 \(got 0\)$"):
        with_(config(), {"model.units": 0})
    with pytest.raises(ConfigError, match=r"^model.readout=mean needs model.return_sequences=true"):
        with_(config(), {READOUT: "mean"})
    with pytest.raises(ConfigError, match=r"^model.unit: .* did you mean model.units\?$"):
        with_(config(), {"model.unit": 1})
    with pytest.raises(ConfigError, match=r"^model: is not a setting"):
        with_(config(), {"model": None})


def test_without_return_sequences_the_last_state_is_read() -> None:
    all_states = with_(config(), {SEQUENCES: True, READOUT: "each_step"})
    assert with_(all_states, {SEQUENCES: False}).model.readout == "last"
    with pytest.raises(ConfigError, match=r"needs model\.return_sequences=true"):
        with_(all_states, {SEQUENCES: False, READOUT: "mean"})


def test_of_a_search_only_the_trainings_settings_become_a_trial() -> None:
    trial = with_(sweep_config("data=digits"), {})
    assert set(trial.model_dump()) == {"seed", "data", "model", "training"}


def test_a_value_is_found_by_the_path_that_sets_it() -> None:
    values: Values = {"seed": 7, "model.units": 9, "data.scaling": "minmax"}
    for path, value in values.items():
        assert value_at(with_(config(), {path: value}), path) == value


# --- dimensions


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        (Range(low=1, high=3), [1, 2, 2.5, 3], [0.999, 3.001, True, "2", None]),
        (Range(low=0.1, high=0.7, step=0.2), [0.1, 0.3, 0.5, 0.7], [0.2, 0.4, 0.71]),
        (Range(low=0, high=0.3, step=0.1), [0, 0.1, 0.3, 3 * 0.1], [0.4, 0.31]),
        (Range(low=5, high=5), [5], [4, 6]),
        (Choices(choices=["mean", None, 3]), ["mean", None, 3], ["max", 2, "None"]),
        # pydantic keeps true and 1 apart, and so do choices.
        (Choices(choices=[1]), [1], [True]),
        (Choices(choices=[True]), [True], [1]),
    ],
)
def test_what_a_dimension_contains(
    dimension: Dimension, inside: list[Any], outside: list[Any]
) -> None:
    assert [value for value in inside if contains(dimension, value)] == inside
    assert [value for value in outside if contains(dimension, value)] == []


def test_a_dimension_is_active_only_where_its_whole_condition_holds() -> None:
    free, bound = Range(low=1, high=2), Range(low=1, high=2, when={"a": 1, "b": "x"})
    assert is_active(free, {})
    assert is_active(bound, {"a": 1, "b": "x", "c": 0})
    others: list[Values] = [{}, {"a": 1}, {"a": 2, "b": "x"}, {"a": 1, "b": "y"}]
    for values in others:
        assert not is_active(bound, values)


def test_conditions_come_after_what_they_depend_on() -> None:
    order = ordered(SPACE)
    assert sorted(order) == sorted(SPACE)
    assert order.index(SEQUENCES) < order.index(READOUT)


def test_every_order_of_a_chain_is_put_right() -> None:
    chain = {
        "a": Choices(choices=[1]),
        "b": Choices(choices=[1], when={"a": 1}),
        "c": Choices(choices=[1], when={"b": 1}),
    }
    for names in itertools.permutations(chain):
        assert ordered({name: chain[name] for name in names}) == ["a", "b", "c"]


def test_a_circle_of_conditions_is_named() -> None:
    circle = {
        "a": Choices(choices=[1]),
        "b": Choices(choices=[1], when={"c": 1}),
        "c": Choices(choices=[1], when={"b": 1}),
    }
    with pytest.raises(ConfigError, match=r"^search.space: .* in a circle: b, c$"):
        ordered(circle)


# --- grids


def test_a_grid_has_every_combination_once() -> None:
    # 4 widths without return_sequences, and 4 times 2 readouts with it.
    combinations = grid(SPACE)
    assert len(combinations) == 4 + 4 * 2
    assert len({tuple(sorted(values.items())) for values in combinations}) == 12
    assert {values["model.units"] for values in combinations} == {16, 32, 48, 64}
    for values in combinations:
        assert (READOUT in values) == values[SEQUENCES]


def test_the_last_dimension_of_a_grid_changes_fastest() -> None:
    space: dict[str, Dimension] = {
        "a": Choices(choices=["x", "y"]),
        "b": Range(low=0, high=0.75, step=0.25),
    }
    points = [(values["a"], values["b"]) for values in grid(space)]
    assert points == [(a, b) for a in "xy" for b in (0, 0.25, 0.5, 0.75)]


def test_every_point_of_a_grid_is_inside_the_space_and_a_config() -> None:
    for values in grid(SPACE):
        assert all(contains(SPACE[path], value) for path, value in values.items())
        with_(config(), values)


def test_a_step_that_does_not_fit_stops_below_the_end() -> None:
    assert [v["a"] for v in grid({"a": Range(low=1, high=10, step=4)})] == [1, 5, 9]


def test_a_grid_needs_steps() -> None:
    with pytest.raises(ConfigError, match=r"^search.space.a: .* needs a step or choices$"):
        grid({"a": Range(low=1, high=2)})


# --- refused before the first trial


def test_the_projects_own_search_can_run_to_its_end() -> None:
    check(sweep_config(), sweep_config().search)


@pytest.mark.parametrize(
    ("space", "line"),
    [
        (
            {"model.unitz": {"low": 1, "high": 2}},
            "search.space.model.unitz: model.unitz is not a setting; did you mean model.units?",
        ),
        (
            {"search.trials": {"low": 1, "high": 2}},
            "search.space.search.trials: search.trials is not a setting",
        ),
        (
            {"model.units": {"low": 0, "high": 9}},
            "search.space.model.units: must be at least 1 (got 0)",
        ),
        (
            {"model.units": {"low": 16, "high": 9000}},
            "search.space.model.units: must be at most 2048 (got 9000)",
        ),
        (
            {"model.units": {"choices": [16, 0.5]}},
            "search.space.model.units: must be a whole number (got 0.5)",
        ),
        (
            {"model.units": {"low": 16.5, "high": 20}},
            "search.space.model.units: must be a whole number (got 16.5)",
        ),
        (
            {"training.epochs": {"low": 3, "high": 10, "step": 0.5}},
            "search.space.training.epochs.step: must be a whole number (got 0.5)",
        ),
        (
            {"model.dropout": {"low": 0, "high": 1}},
            "search.space.model.dropout: must be below 1.0 (got 1)",
        ),
        (
            {"training.optimizer": {"choices": ["adam", "adamm"]}},
            "search.space.training.optimizer: must be adadelta, adagrad, adam, adamax, adamw, "
            "lamb, lion, nadam, rmsprop or sgd (got 'adamm')",
        ),
        (
            {"model.units": {"choices": [16], "when": {"training.optimizer": "sgd"}}},
            "search.space.model.units.when: training.optimizer is not searched",
        ),
        (
            {
                "model.units": {"choices": [16], "when": {"model.layers": 3}},
                "model.layers": {"low": 1, "high": 2},
            },
            "search.space.model.units.when: model.layers is never 3",
        ),
        (
            {
                "model.units": {"choices": [16], "when": {"model.layers": 1}},
                "model.layers": {"choices": [1], "when": {"model.units": 16}},
            },
            "search.space: conditions go round in a circle: model.units, model.layers",
        ),
    ],
)
def test_a_search_that_could_not_run_is_refused_in_one_line(
    space: dict[str, Any], line: str
) -> None:
    assert problems(searching(space)) == (line,)


def test_readouts_must_be_conditional_on_return_sequences() -> None:
    alone = problems(searching({READOUT: {"choices": ["mean", "max"]}}))
    assert alone == tuple(
        f"search.space.model.readout={name} needs model.return_sequences=true"
        for name in ("mean", "max")
    )


def test_all_problems_of_a_space_are_said_at_once() -> None:
    both = searching({"model.units": {"low": 0, "high": 9000}, "model.layers": {"choices": [9]}})
    assert len(problems(both)) == 3


def test_what_is_active_only_together_is_checked_together() -> None:
    # true asks for a readout, which only the condition brings along.
    settings = searching(SPACE)
    check(settings, settings.search)


def test_a_baseline_is_checked_like_a_config() -> None:
    units = {"model.units": {"low": 16, "high": 64}}
    assert problems(searching(units, {"model.units": 50}, {"model.units": 0})) == (
        "search.baselines.1.model.units: must be at least 1 (got 0)",
    )


def test_a_grid_without_steps_is_refused_beforehand() -> None:
    units = {"model.units": {"low": 16, "high": 64}}
    (line,) = problems(searching(units, sampler="grid"))
    assert line == "search.space.model.units: search.sampler=grid needs a step or choices"
