"""Findings on the hyperparameters, from studies whose law the test plants."""

from dataclasses import replace

import pytest

from mnist_seq.config.search import Range
from mnist_seq.report.analysis.diagnosis import diagnose
from mnist_seq.report.analysis.next_range import edges
from tests.report.studies import (
    RATE,
    THREE,
    UNITS,
    Settings,
    Space,
    found,
    noise,
    rate_has_an_optimum,
    study,
    unit,
    wide_is_better,
)

TOO_FEW = "too_few_trials"


def rate_fits_width(settings: Settings) -> float:
    rate = unit(RATE, settings["training.learning_rate"])
    return 0.99 - 0.1 * (rate - unit(UNITS, settings["model.units"])) ** 2


def test_a_planted_edge_is_found_with_the_range_to_try_next() -> None:
    (finding,) = found(study(40, wide_is_better, space=THREE), "edge")
    assert finding.numbers["hyperparameter"] == "model.units"
    assert finding.numbers["side"] == "high"
    assert finding.command == "search.space.model.units.high=256"


def test_a_planted_optimum_inside_is_no_edge() -> None:
    assert not found(study(60, rate_has_an_optimum, space=THREE), "edge")


def test_an_optimum_near_an_end_is_no_edge() -> None:
    def law(settings: Settings) -> float:
        return 0.99 - 0.1 * (unit(RATE, settings["training.learning_rate"]) - 0.92) ** 2

    tables = study(60, law, space=THREE)
    assert list(edges(tables)), "or the best trials do not lie near the end"
    assert not found(tables, "edge")


def test_planted_unimportant_hyperparameters_are_found_and_the_one_that_matters_is_not() -> None:
    unimportant = found(study(60, rate_has_an_optimum, space=THREE), "little_effect")
    assert {finding.numbers["hyperparameter"] for finding in unimportant} == {
        "model.units",
        "training.batch_size",
    }
    assert all(finding.command for finding in unimportant)


def test_an_effect_is_told_with_the_values_where_it_begins_and_ends() -> None:
    (finding,) = found(study(60, wide_is_better, space=THREE), "effect")
    assert "from 16 to 128 the error falls from" in finding.text
    low, high = (float(finding.numbers[end]) for end in ("low", "high"))
    assert low < 0.02 < high  # planted: from 3 % to 1 %
    assert finding.text.endswith(".")


def test_what_may_be_chance_is_bounded_where_others_are_told() -> None:
    (finding,) = found(study(12, wide_is_better, space=THREE), "undecided")
    assert finding.text.startswith("Not sure to be more than chance, all else as in the best trial")
    assert "training.batch_size 256 instead of 28 costs" in finding.text
    low, high = (float(finding.numbers[f"training.batch_size {end}"]) for end in ("low", "high"))
    assert low <= 0 <= high, "planted: without effect"
    assert not found(study(12, noise, space=THREE), "undecided")


@pytest.mark.parametrize("seed", range(5))
def test_where_only_all_settings_together_explain_the_trials_each_is_bounded(seed: int) -> None:
    tables = study(10, wide_is_better, seed=seed)
    assert not found(tables, "effect")
    assert not found(tables, "nothing_learned")
    (finding,) = found(tables, "nothing_certain")
    assert 0.5 < float(finding.numbers["explained"]) < 1
    (bounds,) = found(tables, "undecided")
    low, high = (float(bounds.numbers[f"model.units {end}"]) for end in ("low", "high"))
    assert low < 0.02 < high, "planted: from 3 % to 1 %"


def test_the_one_that_matters_is_named_where_no_effect_is_certain() -> None:
    tables = study(10, wide_is_better, seed=3)
    assert not found(tables, "effect")
    (finding,) = found(tables, "matters_most")
    assert finding.numbers["hyperparameter"] == "model.units"


def test_values_beyond_the_best_are_told_too() -> None:
    (finding,) = found(study(60, rate_has_an_optimum, space=THREE), "effect")
    assert "again" in finding.text


def test_a_plateau_is_said_to_gain_nothing() -> None:
    def saturates(settings: Settings) -> float:
        return 0.97 + 0.02 * min(1.0, 2 * unit(UNITS, settings["model.units"]))

    (finding,) = found(study(80, saturates, space=THREE), "effect")
    assert "nothing is gained" in finding.text


def test_the_one_that_matters_is_named() -> None:
    (finding,) = found(study(60, rate_has_an_optimum, space=THREE), "matters_most")
    assert finding.numbers["hyperparameter"] == "training.learning_rate"
    assert float(finding.numbers["low"]) > 0


def test_a_planted_interaction_is_found() -> None:
    (finding,) = found(study(120, rate_fits_width, space=THREE), "interaction")
    assert {finding.numbers["first"], finding.numbers["second"]} == {
        "model.units",
        "training.learning_rate",
    }


def test_effects_that_multiply_the_error_are_not_called_an_interaction() -> None:
    def both(settings: Settings) -> float:
        return 1 - 50 * (1 - wide_is_better(settings)) * (1 - rate_has_an_optimum(settings))

    assert not found(study(120, both, space=THREE), "interaction")


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))]
)
def test_on_pure_noise_nothing_was_learned(seed: int) -> None:
    baseline = {"model.units": 50, "training.learning_rate": 1e-3, "training.batch_size": 28}
    tables = study(40, noise, space=THREE, seed=seed, baseline=baseline)
    kinds = {finding.kind for finding in diagnose(tables)}
    assert "nothing_learned" in kinds
    assert kinds & {"within_noise", "baseline_is_best"}
    assert not kinds & {
        "edge",
        "effect",
        "little_effect",
        "interaction",
        "matters_most",
        "better_than_baseline",
    }


def test_few_trials_are_too_few_to_say() -> None:
    (finding,) = found(study(5), TOO_FEW)
    assert finding.numbers["trials"] == 5


def test_a_baseline_that_cannot_be_compared_is_not_counted() -> None:
    constant: Settings = {
        "model.units": 50,
        "training.learning_rate": 1e-3,
        "training.schedule": "constant",
    }
    space = {path: THREE[path] for path in ("model.units", "training.learning_rate")}
    tables = study(8, space=space, baseline=constant)
    schedules = tables.trials["is_baseline"].map({True: "constant", False: "cosine"})
    trials = tables.trials.assign(**{"training.schedule": schedules})
    (finding,) = found(replace(tables, trials=trials, unsearched=("training.schedule",)), TOO_FEW)
    assert finding.text.startswith("7 trials with a value, alike in what is not searched: too few")


def test_of_equal_rivals_none_matters_most() -> None:
    space: Space = {name: Range(low=0.0, high=1.0) for name in "abcd"}

    def rivals(settings: Settings) -> float:
        return 0.5 + 0.1 * sum(float(settings[name] or 0) for name in "abcd")

    tables = study(60, rivals, space=space, binomial=False)
    assert not found(tables, "matters_most")
    assert len(found(tables, "effect")) == 4
