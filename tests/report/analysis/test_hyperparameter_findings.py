"""Findings on the hyperparameters, from studies whose law the test plants."""

import pytest

from mnist_seq.config import Range
from mnist_seq.report.analysis.diagnosis import diagnose
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


def test_planted_unimportant_hyperparameters_are_found_and_the_one_that_matters_is_not() -> None:
    unimportant = found(study(150, rate_has_an_optimum, space=THREE), "no_effect")
    assert {finding.numbers["hyperparameter"] for finding in unimportant} == {
        "model.units",
        "training.batch_size",
    }
    assert all(finding.command for finding in unimportant)


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


def test_effects_that_add_up_are_not_called_an_interaction() -> None:
    def both(settings: Settings) -> float:
        return wide_is_better(settings) + rate_has_an_optimum(settings) - 0.98

    assert not found(study(120, both, space=THREE), "interaction")


@pytest.mark.parametrize("seed", range(6))
def test_on_pure_noise_nothing_was_learned(seed: int) -> None:
    baseline = {"model.units": 50, "training.learning_rate": 1e-3, "training.batch_size": 28}
    tables = study(40, noise, space=THREE, seed=seed, baseline=baseline)
    kinds = {finding.kind for finding in diagnose(tables)}
    assert "nothing_learned" in kinds
    assert kinds & {"within_noise", "baseline_is_best"}
    assert not kinds & {"edge", "no_effect", "interaction", "matters_most", "better_than_baseline"}


def test_few_trials_are_too_few_to_say() -> None:
    (finding,) = found(study(5), "too_few_trials")
    assert finding.numbers["trials"] == 5


def test_equal_rivals_need_more_trials_to_rank() -> None:
    space: Space = {name: Range(low=0.0, high=1.0) for name in "abcd"}

    def rivals(settings: Settings) -> float:
        return 0.5 + 0.1 * sum(float(settings[name] or 0) for name in "abcd")

    (finding,) = found(study(60, rivals, space=space, binomial=False), "too_few_trials")
    assert float(finding.numbers["leads"]) < 0.8
