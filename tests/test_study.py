"""Searches on a landscape that is known: no network, but Optuna and its database are real."""

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import optuna
import pytest

from mnist_seq import study_store
from mnist_seq.config import SearchConfig, SweepConfig
from mnist_seq.errors import ConfigError
from mnist_seq.pruning import build_pruner
from mnist_seq.samplers import build_sampler
from mnist_seq.space import Values, check, contains, grid, is_active, value_at, with_values
from mnist_seq.study import Study, Suggestion
from tests.examples import sweep_config

EPOCHS = 9
INSTALLED = ["tpe", "random", "qmc", "grid"]
STEPPED: dict[str, Any] = {
    "model.units": {"low": 16, "high": 64, "step": 16},
    "model.return_sequences": {"choices": [True, False]},
    "model.readout": {"choices": ["mean", "max"], "when": {"model.return_sequences": True}},
    "training.learning_rate": {"choices": [0.001, 0.01]},
}


def searching(sampler: str = "random", **changes: Any) -> SweepConfig:
    whole = sweep_config("data=digits").model_dump()
    space = {"space": STEPPED} if sampler == "grid" else {}
    whole["search"] |= {"sampler": sampler, "pruner": "none", **space, **changes}
    return SweepConfig.model_validate(whole)


def opened(folder: Path, config: SweepConfig) -> Study:
    return Study(
        folder / "optuna.db",
        "study",
        config.search,
        EPOCHS,
        config.model_dump(),
        lambda path: value_at(config, path),
    )


def stored(folder: Path) -> list[optuna.trial.FrozenTrial]:
    """The trials as Optuna itself reads them."""
    url = f"sqlite:///{folder / 'optuna.db'}"
    return optuna.load_study(study_name="study", storage=url).get_trials()


def landscape(values: Values) -> float:
    rate = values["training.learning_rate"]
    assert isinstance(rate, float)
    return 1 - abs(math.log10(rate) + 2.5) / 10 + (values.get("model.readout") == "mean") / 20


def asked(study: Study, fixed: Values | None = None) -> Suggestion:
    suggestion = study.ask(fixed)
    assert suggestion is not None
    return suggestion


def trial(study: Study, suggestion: Suggestion) -> None:
    study.report(suggestion.number, 1, landscape(suggestion.values))
    study.complete(suggestion.number, landscape(suggestion.values))


def searched(folder: Path, config: SweepConfig, trials: int, reopens: Callable[[int], bool]) -> Any:
    folder.mkdir()
    study, suggestions = opened(folder, config), []
    for number in range(trials):
        if reopens(number):
            study = opened(folder, config)
        suggestions.append(asked(study))
        trial(study, suggestions[-1])
    return suggestions


# --- suggestions


@pytest.mark.parametrize("sampler", INSTALLED)
def test_a_search_taken_up_anywhere_asks_for_the_same(sampler: str, tmp_path: Path) -> None:
    config, trials = searching(sampler), 13  # TPE models from its ninth on
    whole = searched(tmp_path / "whole", config, trials, lambda _: False)
    assert searched(tmp_path / "each", config, trials, lambda _: True) == whole
    assert searched(tmp_path / "once", config, trials, lambda number: number == 10) == whole
    assert [suggestion.number for suggestion in whole] == list(range(trials))


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_another_seed_asks_for_something_else(sampler: str, tmp_path: Path) -> None:
    zero, one = (
        searched(tmp_path / str(seed), searching(sampler, seed=seed), 3, lambda _: False)
        for seed in (0, 1)
    )
    assert zero != one


@pytest.mark.parametrize("sampler", INSTALLED)
def test_every_suggestion_is_inside_the_space_and_a_config(sampler: str, tmp_path: Path) -> None:
    config = searching(sampler)
    suggestions = searched(tmp_path / "study", config, 12, lambda _: False)
    for suggestion in suggestions:
        values, space = suggestion.values, config.search.space
        assert values.keys() == {path for path in space if is_active(space[path], values)}
        assert all(contains(space[path], value) for path, value in values.items())
        assert all(type(value) in (bool, int, float, str) for value in values.values())
        with_values(config, values)
    assert {s.values["model.return_sequences"] for s in suggestions} == {True, False}
    assert len({tuple(s.values.items()) for s in suggestions}) == 12


def test_tpe_goes_where_the_landscape_is_high(tmp_path: Path) -> None:
    def mean(sampler: str) -> float:
        found = searched(tmp_path / sampler, searching(sampler), 30, lambda _: False)
        return sum(landscape(suggestion.values) for suggestion in found[20:]) / 10

    assert mean("tpe") > mean("random")


def test_trials_that_run_at_once_are_different(tmp_path: Path) -> None:
    study = opened(tmp_path, searching("tpe"))
    for _ in range(10):
        trial(study, asked(study))
    at_once = [tuple(asked(study).values.items()) for _ in range(4)]
    assert len(set(at_once)) == 4


def test_a_step_that_does_not_fit_stays_below_the_end(tmp_path: Path) -> None:
    units = {"model.units": {"low": 1, "high": 10, "step": 4}}
    study = opened(tmp_path, searching(space=units))
    assert {asked(study).values["model.units"] for _ in range(30)} == {1, 5, 9}


# --- grids


def test_a_grid_is_searched_whole_and_then_done(tmp_path: Path) -> None:
    config = searching("grid")
    points = grid(config.search.space)
    assert len(points) == 4 * (2 + 1) * 2
    study, found = opened(tmp_path, config), []
    while (suggestion := study.ask()) is not None:
        found.append(suggestion.values)
        trial(study, suggestion)
    assert found == points
    assert study.ask() is None


@pytest.mark.parametrize("place", [0, 5, 11, 23])
def test_a_grid_is_searched_whole_whichever_point_is_the_baseline(
    place: int, tmp_path: Path
) -> None:
    config = searching("grid")
    points = grid(config.search.space)
    study = opened(tmp_path, config)
    trial(study, asked(study, points[place]))
    found = [points[place]]
    while (suggestion := study.ask()) is not None:
        found.append(suggestion.values)
        trial(study, suggestion)
    assert sorted(map(repr, found)) == sorted(map(repr, points))


# --- baselines

INSIDE: Values = {
    "model.units": 50,
    "model.return_sequences": False,
    "training.learning_rate": 0.001,
    "training.batch_size": 28,
    "training.epochs": 9,
}


def test_a_baseline_inside_the_space_teaches_the_sampler(tmp_path: Path) -> None:
    study = opened(tmp_path, searching())
    assert asked(study, INSIDE) == Suggestion(0, INSIDE)
    trial(study, Suggestion(0, INSIDE))
    assert stored(tmp_path)[0].params == INSIDE
    assert asked(study).values != INSIDE


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


# --- endings


def test_endings_are_kept_as_optuna_names_them(tmp_path: Path) -> None:
    study = opened(tmp_path, searching())
    for _ in range(3):
        asked(study)
    study.report(0, 1, 0.5)
    study.complete(0, 0.6)
    study.report(1, 1, 0.25)
    study.report(1, 2, 0.375)
    study.prune(1)
    study.note(2, run="abc")
    study.fail(2, "the loss is not finite")
    complete, pruned, failed = stored(tmp_path)
    assert (complete.state.name, complete.value) == ("COMPLETE", 0.6)
    assert (pruned.state.name, pruned.value) == ("PRUNED", 0.375)
    assert pruned.intermediate_values == {1: 0.25, 2: 0.375}
    assert (failed.state.name, failed.value) == ("FAIL", None)
    assert failed.user_attrs == {"run": "abc", "reason": "the loss is not finite"}
    over = study.finished()
    assert [one.state for one in over] == ["complete", "pruned", "failed"]
    assert over[2].reason == "the loss is not finite"


def test_an_epoch_reported_twice_counts_as_it_did_first(tmp_path: Path) -> None:
    study = opened(tmp_path, searching())
    asked(study)
    study.report(0, 1, 0.5)
    study.report(0, 1, 0.5)
    assert stored(tmp_path)[0].intermediate_values == {1: 0.5}


@pytest.mark.parametrize("dies", [False, True])
def test_epochs_that_come_fast_are_written_together_and_none_is_lost(
    dies: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_store, "SECONDS_BETWEEN_REPORTS", 3600.0)
    study = opened(tmp_path, searching())
    curves = {asked(study).number: {1: 0.125, 2: 0.25}, asked(study).number: {1: 0.5, 2: 0.75}}

    def report_all() -> None:
        for number, curve in curves.items():
            for epoch, accuracy in curve.items():
                study.report(number, epoch, accuracy)

    report_all()
    assert [one.intermediate_values for one in stored(tmp_path)] == [{1: 0.125}, {}]
    if dies:  # and whoever takes the trials up again trains the epochs again
        study = opened(tmp_path, searching())
        study.take_up()
        report_all()
    study.complete(0, 0.25)
    assert [one.intermediate_values for one in stored(tmp_path)] == list(curves.values())


@pytest.mark.parametrize("objective", ["validation_accuracy", "validation_loss"])
def test_the_best_is_best_in_the_objective(objective: str, tmp_path: Path) -> None:
    study = opened(tmp_path, searching(objective=objective))
    for value in (0.5, 0.9, 0.1):
        study.complete(asked(study).number, value)
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    best = optuna.load_study(study_name="study", storage=url).best_value
    assert best == {"validation_accuracy": 0.9, "validation_loss": 0.1}[objective]


# --- a driver that died


def test_trials_that_were_running_are_taken_up_as_they_were(tmp_path: Path) -> None:
    config = searching("tpe")
    study = opened(tmp_path, config)
    for _ in range(9):
        trial(study, asked(study))
    running = [asked(study), asked(study, INSIDE | {"model.units": 2000}), asked(study)]
    study.report(running[0].number, 1, 0.5)

    again = opened(tmp_path, config)
    assert again.take_up() == running
    assert again.next_number == 12
    for suggestion in running:
        again.complete(suggestion.number, 0.5)
    assert opened(tmp_path, config).take_up() == []
    assert {one.state.name for one in stored(tmp_path)} == {"COMPLETE"}


# --- pruning


def epochs_survived(study: Study, accuracy: float) -> int:
    number = asked(study).number
    for epoch in range(1, EPOCHS + 1):
        if study.report(number, epoch, accuracy) and epoch < EPOCHS:
            study.prune(number)
            return epoch
    study.complete(number, accuracy)
    return EPOCHS


@pytest.mark.parametrize("pruner", ["hyperband", "successive_halving", "median"])
def test_a_hopeless_trial_is_given_up_and_the_best_never(pruner: str, tmp_path: Path) -> None:
    study = opened(tmp_path, searching(pruner=pruner))
    rising = [epochs_survived(study, 0.5 + number / 100) for number in range(12)]
    assert rising == [EPOCHS] * 12, "each was the best so far"
    hopeless = [epochs_survived(study, 0.1) for _ in range(9)]
    # A third goes on from epoch 1 to 3, and from there to 9; the median watches every epoch.
    rungs = {"hyperband": {1, 3, 9}, "successive_halving": {1}, "median": {1}}
    assert set(hopeless) <= rungs[pruner]
    assert min(hopeless) < 3


@pytest.mark.parametrize("reopens", [False, True])
def test_a_trial_that_went_on_is_not_given_up_for_an_epoch_told_again(
    reopens: bool, tmp_path: Path
) -> None:
    config = searching(pruner="successive_halving")
    study = opened(tmp_path, config)
    number = asked(study).number
    for epoch in (1, 2):
        assert not study.report(number, epoch, 0.5)
    assert [epochs_survived(study, 0.6 + better / 100) for better in range(5)] == [EPOCHS] * 5
    if reopens:
        study = opened(tmp_path, config)
        study.take_up()
    assert not study.report(number, 1, 0.5), "its worker died, and it began again"
    assert not study.report(number, 2, 0.5)
    assert study.report(number, 3, 0.5)


def test_no_pruner_gives_nobody_up(tmp_path: Path) -> None:
    study = opened(tmp_path, searching(pruner="none"))
    assert {epochs_survived(study, accuracy) for accuracy in (0.9, 0.9, 0.1)} == {EPOCHS}


def test_hyperband_prunes_a_loss_that_is_high(tmp_path: Path) -> None:
    study = opened(tmp_path, searching(pruner="successive_halving", objective="validation_loss"))
    for number in range(6):
        assert epochs_survived(study, 0.5 - number / 100) == EPOCHS
    assert epochs_survived(study, 2.0) == 1


# --- what a config may name


def test_every_pruner_that_a_config_may_name_can_be_built() -> None:
    for name in get_args(SearchConfig.model_fields["pruner"].annotation):
        build_pruner(searching(pruner=name).search, "study", EPOCHS)


@pytest.mark.parametrize("sampler", get_args(SearchConfig.model_fields["sampler"].annotation))
def test_every_sampler_can_be_built_or_says_what_it_needs(sampler: str) -> None:
    package = {"gp": "torch"}.get(sampler)
    config = searching(sampler)
    if package is None or importlib.util.find_spec(package):
        check(config, config.search)
        build_sampler(config.search, 0)
        return
    with pytest.raises(
        ConfigError,
        match=rf"^search.sampler: {sampler} needs the package {package}, which is not installed: "
        rf"pip install {package}$",
    ):
        check(config, config.search)
