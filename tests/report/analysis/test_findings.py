"""Findings on the study as a whole, from studies whose truth the test plants."""

from dataclasses import replace

import pytest

from mnist_seq.metrics.classification import accuracy_standard_error
from mnist_seq.report.analysis.chance import lead, lead_by_luck
from tests.report.studies import (
    IMAGES,
    THREE,
    best_by_its_loss,
    found,
    mixed,
    study,
    wide_is_better,
)


def test_a_lead_beyond_luck_is_said_to_be_one() -> None:
    baseline = {"model.units": 16, "training.learning_rate": 1e-3, "training.batch_size": 28}
    tables = study(30, wide_is_better, space=THREE, baseline=baseline)
    (finding,) = found(tables, "better_than_baseline")
    assert tables.best is not None
    assert tables.baseline is not None
    assert finding.numbers["difference"] == tables.best.value - tables.baseline.value
    error = accuracy_standard_error(tables.baseline.value, IMAGES)
    assert finding.numbers["luck"] == lead_by_luck(29, error)


def test_where_the_baseline_is_best_it_says_so() -> None:
    baseline = {"model.units": 128, "training.learning_rate": 1e-3, "training.batch_size": 28}
    tables = study(12, wide_is_better, space=THREE, baseline=baseline, binomial=False)
    assert found(tables, "baseline_is_best")


def test_a_pruned_baseline_is_no_yardstick() -> None:
    baseline = {"model.units": 16, "training.learning_rate": 1e-3, "training.batch_size": 28}
    states = ["pruned", *["complete"] * 19]
    tables = study(20, wide_is_better, space=THREE, baseline=baseline, states=states)
    assert found(tables, "baseline_pruned")
    assert not found(tables, "better_than_baseline")
    assert lead(tables) is None


def test_a_winner_by_loss_may_be_less_accurate_than_the_baseline() -> None:
    tables = best_by_its_loss(0.98)
    (finding,) = found(tables, "less_accurate_than_baseline")
    # The error is the root of (0.99 * 0.01 + 0.98 * 0.02) / 12,000.
    assert finding.text == (
        "The best trial's accuracy is 1.00 points (± 0.16) below the baseline's, more than luck "
        "explains: it is best by its loss alone."
    )
    assert finding.numbers["difference"] == pytest.approx(-0.01)
    assert not found(tables, "within_noise")


def test_a_winner_by_loss_that_is_hardly_less_accurate_is_within_noise() -> None:
    tables = best_by_its_loss(0.9895)
    (finding,) = found(tables, "within_noise")
    assert "0.05 points (± 0.13) below the baseline's, smaller than its noise: " in finding.text
    assert not found(tables, "less_accurate_than_baseline")


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (["complete", "pruned"], "1 of 2 trials was pruned (50 %); 1 ran to its end."),
        (["pruned"] * 2, "2 of 2 trials were pruned (100 %); none ran to its end."),
        (
            [*["complete"] * 2, *["pruned"] * 2],
            "2 of 4 trials were pruned (50 %); 2 ran to their end.",
        ),
    ],
)
def test_verbs_agree_with_the_number_of_pruned_trials(states: list[str], said: str) -> None:
    (finding,) = found(study(len(states), states=states), "pruned")
    assert finding.text == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 of 4 trials was infeasible (25 %): 1 beyond search.limits.parameters."),
        (2, "2 of 4 trials were infeasible (50 %): 2 beyond search.limits.parameters."),
    ],
)
def test_verbs_agree_with_the_number_of_infeasible_trials(count: int, said: str) -> None:
    tables = study(4)
    states = [*["infeasible"] * count, *["complete"] * (4 - count)]
    rows = tables.trials.assign(state=states, reason="parameters: 9 (at most 8)")
    (finding,) = found(replace(tables, trials=rows), "infeasible")
    assert finding.text == said


def test_failed_and_pruned_shares_are_counted() -> None:
    tables = study(44, states=mixed)
    (failed,), (pruned,) = found(tables, "failed"), found(tables, "pruned")
    assert failed.numbers == {"failed": 4 / 44, "reason": "the loss became NaN in epoch 2"}
    assert pruned.numbers["pruned"] == (tables.trials["state"] == "pruned").mean()
