"""Findings on the study as a whole, from studies whose truth the test plants."""

from mnist_seq.report.analysis.chance import lead, lead_by_luck, standard_error
from tests.report.studies import IMAGES, THREE, found, mixed, study, wide_is_better


def test_a_lead_beyond_luck_is_said_to_be_one() -> None:
    baseline = {"model.units": 16, "training.learning_rate": 1e-3, "training.batch_size": 28}
    tables = study(30, wide_is_better, space=THREE, baseline=baseline)
    (finding,) = found(tables, "better_than_baseline")
    assert tables.best is not None
    assert tables.baseline is not None
    assert finding.numbers["difference"] == tables.best.value - tables.baseline.value
    error = standard_error(tables.baseline.value, IMAGES)
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


def test_failed_and_pruned_shares_are_counted() -> None:
    tables = study(44, states=mixed)
    (failed,), (pruned,) = found(tables, "failed"), found(tables, "pruned")
    assert failed.numbers == {"failed": 4 / 44, "reason": "the loss became NaN in epoch 2"}
    assert pruned.numbers["pruned"] == (tables.trials["state"] == "pruned").mean()
