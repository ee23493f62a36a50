"""What a study asks for, on a landscape that is known; Optuna and its database are real."""

from pathlib import Path
from typing import get_args

import pytest

from mnist_seq.config.search import SearchConfig
from mnist_seq.config.validation import with_values
from mnist_seq.search.pruners import build_pruner
from mnist_seq.search.space import contains, grid, is_active
from mnist_seq.search.study import Suggestion
from tests.search.landscapes import (
    EPOCHS,
    INSIDE,
    SAMPLERS,
    asked,
    landscape,
    opened,
    searched,
    searching,
    stored,
    trial,
)

# --- suggestions


@pytest.mark.parametrize(
    "sampler",
    [
        sampler if sampler == "gp" else pytest.param(sampler, marks=pytest.mark.slow)
        for sampler in SAMPLERS
    ],
)
def test_a_search_taken_up_anywhere_asks_for_the_same(sampler: str, tmp_path: Path) -> None:
    config, trials = searching(sampler), 11  # modelled from the fifth or ninth on
    whole = searched(tmp_path / "whole", config, trials, lambda _: False)
    assert searched(tmp_path / "each", config, trials, lambda _: True) == whole
    assert searched(tmp_path / "once", config, trials, lambda number: number == 10) == whole
    assert [suggestion.number for suggestion in whole] == list(range(trials))


@pytest.mark.parametrize("sampler", ["gp", "tpe", "random", "qmc"])
def test_another_seed_asks_for_something_else(sampler: str, tmp_path: Path) -> None:
    zero, one = (
        searched(tmp_path / str(seed), searching(sampler, seed=seed), 3, lambda _: False)
        for seed in (0, 1)
    )
    assert zero != one


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_suggestion_is_inside_the_space_and_a_config(sampler: str, tmp_path: Path) -> None:
    config = searching(sampler)
    suggestions = searched(tmp_path / "study", config, 12, lambda _: False)
    for suggestion in suggestions:
        values, space = suggestion.settings, config.search.space
        assert values.keys() == {path for path in space if is_active(space[path], values)}
        assert all(contains(space[path], value) for path, value in values.items())
        assert all(type(value) in (bool, int, float, str) for value in values.values())
        with_values(config, values)
    assert {s.settings["model.return_sequences"] for s in suggestions} == {True, False}
    assert len({tuple(s.settings.items()) for s in suggestions}) == 12


def test_tpe_goes_where_the_landscape_is_high(tmp_path: Path) -> None:
    def mean(sampler: str) -> float:
        found = searched(tmp_path / sampler, searching(sampler), 30, lambda _: False)
        return sum(landscape(suggestion.settings) for suggestion in found[20:]) / 10

    assert mean("tpe") > mean("random")


@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_trials_that_run_at_once_are_different(sampler: str, tmp_path: Path) -> None:
    study = opened(tmp_path, searching(sampler))
    for _ in range(10):
        trial(study, asked(study))
    at_once = [tuple(asked(study).settings.items()) for _ in range(4)]
    assert len(set(at_once)) == 4


def test_a_step_that_does_not_fit_stays_below_the_end(tmp_path: Path) -> None:
    units = {"model.units": {"low": 1, "high": 10, "step": 4}}
    study = opened(tmp_path, searching(space=units))
    assert {asked(study).settings["model.units"] for _ in range(30)} == {1, 5, 9}


# --- grids


def test_a_grid_is_searched_whole_and_then_done(tmp_path: Path) -> None:
    config = searching("grid")
    points = grid(config.search.space)
    assert len(points) == 4 * (2 + 1) * 2
    study, found = opened(tmp_path, config), []
    while (suggestion := study.ask()) is not None:
        found.append(suggestion.settings)
        trial(study, suggestion)
    assert found == points
    assert study.ask() is None


@pytest.mark.parametrize("place", [0, 5, 11, 23])
def test_a_grid_is_searched_whole_whichever_point_is_the_baseline(
    place: int, tmp_path: Path
) -> None:
    points = grid(searching("grid").search.space)
    config = searching("grid", baselines=[points[place]])
    study = opened(tmp_path, config)
    trial(study, asked(study, points[place]))
    found = [points[place]]
    while (suggestion := study.ask()) is not None:
        found.append(suggestion.settings)
        trial(study, suggestion)
    assert sorted(map(repr, found)) == sorted(map(repr, points))


@pytest.mark.parametrize("reopens", [False, True])
def test_a_baseline_with_a_setting_of_its_own_is_no_point_of_the_grid(
    reopens: bool, tmp_path: Path
) -> None:
    points = grid(searching("grid").search.space)
    baseline = points[5] | {"training.schedule": "constant"}
    config = searching("grid", baselines=[baseline])
    study = opened(tmp_path, config)
    trial(study, asked(study, points[5]))
    if reopens:
        study = opened(tmp_path, config)
    found = []
    while (suggestion := study.ask()) is not None:
        found.append(suggestion.settings)
        trial(study, suggestion)
    assert found == points, "all others let the rate fall along a cosine"


# --- baselines


def test_a_baseline_inside_the_space_teaches_the_sampler(tmp_path: Path) -> None:
    study = opened(tmp_path, searching())
    assert asked(study, INSIDE) == Suggestion(0, INSIDE)
    trial(study, Suggestion(0, INSIDE))
    assert stored(tmp_path)[0].params == INSIDE
    assert asked(study).settings != INSIDE


def test_a_baseline_outside_the_space_is_run_as_it_is(tmp_path: Path) -> None:
    outside = INSIDE | {"model.units": 2000}
    study = opened(tmp_path, searching("tpe"))
    assert asked(study, outside) == Suggestion(0, outside)
    trial(study, Suggestion(0, outside))
    for _ in range(12):
        trial(study, asked(study))
    assert "model.units" not in stored(tmp_path)[0].params
    assert stored(tmp_path)[0].value == landscape(outside)


def test_two_baselines_alike_are_two_trials_alike(tmp_path: Path) -> None:
    study = opened(tmp_path, searching())
    for number in (0, 1):
        assert asked(study, INSIDE) == Suggestion(number, INSIDE)
        trial(study, Suggestion(number, INSIDE))


# --- what a config may name


def test_every_pruner_that_a_config_may_name_can_be_built() -> None:
    for name in get_args(SearchConfig.model_fields["pruner"].annotation):
        build_pruner(searching(pruner=name).search, "study", EPOCHS)
