import pandas as pd
import pytest

from mnist_seq.config import Range
from mnist_seq.report.diagnosis import diagnose, summary_lines
from mnist_seq.report.finding import Finding
from mnist_seq.report.lead import lead
from mnist_seq.report.noise import lead_by_luck, standard_error
from mnist_seq.report.tables import StudyTables
from tests.report.studies import (
    BATCH,
    IMAGES,
    RATE,
    UNITS,
    Settings,
    Space,
    falling,
    mixed,
    noise,
    overfit,
    study,
    unit,
)

THREE: Space = {"model.units": UNITS, "training.learning_rate": RATE, "training.batch_size": BATCH}


def wide_is_better(settings: Settings) -> float:
    return 0.97 + 0.02 * unit(UNITS, settings["model.units"])


def rate_has_an_optimum(settings: Settings) -> float:
    return 0.99 - 0.08 * (unit(RATE, settings["training.learning_rate"]) - 0.5) ** 2


def rate_fits_width(settings: Settings) -> float:
    rate = unit(RATE, settings["training.learning_rate"])
    return 0.99 - 0.1 * (rate - unit(UNITS, settings["model.units"])) ** 2


def found(tables: StudyTables, kind: str) -> list[Finding]:
    return [finding for finding in diagnose(tables) if finding.kind == kind]


def test_a_planted_edge_is_found_with_the_range_to_try_next() -> None:
    (finding,) = found(study(40, wide_is_better, space=THREE), "edge")
    assert finding.figure["hyperparameter"] == "model.units"
    assert finding.figure["side"] == "high"
    assert finding.command == "search.space.model.units.high=256"


def test_a_planted_optimum_inside_is_no_edge() -> None:
    assert not found(study(60, rate_has_an_optimum, space=THREE), "edge")


def test_planted_dead_hyperparameters_are_found_and_the_live_one_is_not() -> None:
    dead = found(study(150, rate_has_an_optimum, space=THREE), "dead")
    assert {finding.figure["hyperparameter"] for finding in dead} == {
        "model.units",
        "training.batch_size",
    }
    assert all(finding.command for finding in dead)


def test_the_one_that_matters_is_named() -> None:
    (finding,) = found(study(60, rate_has_an_optimum, space=THREE), "matters_most")
    assert finding.figure["hyperparameter"] == "training.learning_rate"
    assert float(finding.figure["low"]) > 0


def test_a_planted_interaction_is_found() -> None:
    (finding,) = found(study(120, rate_fits_width, space=THREE), "interaction")
    assert {finding.figure["first"], finding.figure["second"]} == {
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
    assert not kinds & {"edge", "dead", "interaction", "matters_most", "better_than_baseline"}


def test_a_lead_beyond_luck_is_said_to_be_one() -> None:
    baseline = {"model.units": 16, "training.learning_rate": 1e-3, "training.batch_size": 28}
    tables = study(30, wide_is_better, space=THREE, baseline=baseline)
    (finding,) = found(tables, "better_than_baseline")
    assert tables.best is not None
    assert tables.baseline is not None
    assert finding.figure["difference"] == tables.best.value - tables.baseline.value
    error = standard_error(tables.baseline.value, IMAGES)
    assert finding.figure["luck"] == lead_by_luck(29, error)


def test_luck_holds_what_equal_trials_show_nineteen_times_in_twenty() -> None:
    # Whole studies of equal trials, by the very binomial draws that the page speaks of.
    baseline = {"model.units": 50}
    leads = []
    for seed in range(200):
        tables = study(12, noise, space={"model.units": UNITS}, seed=seed, baseline=baseline)
        over = lead(tables)
        leads.append(over is not None and over.difference > over.luck)
    assert sum(leads) <= 20  # 10 expected; more than 20 has a chance of about 1 in 1000


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


def test_few_trials_are_too_few_to_say() -> None:
    (finding,) = found(study(5), "too_few_trials")
    assert finding.figure["trials"] == 5


def test_equal_rivals_need_more_trials_to_rank() -> None:
    space: Space = {name: Range(low=0.0, high=1.0) for name in "abcd"}

    def rivals(settings: Settings) -> float:
        return 0.5 + 0.1 * sum(float(settings[name] or 0) for name in "abcd")

    (finding,) = found(study(60, rivals, space=space, binomial=False), "too_few_trials")
    assert float(finding.figure["leads"]) < 0.8


def test_planted_overfitting_is_found() -> None:
    (finding,) = found(study(20, curve=overfit), "overfitting")
    assert finding.figure["overfit"] == 1.0
    assert float(finding.figure["rise"]) > 0.1
    assert not found(study(20, curve=falling), "overfitting")


def test_curves_still_rising_ask_for_more_epochs() -> None:
    space: Space = {"model.units": UNITS}
    (finding,) = found(study(20, wide_is_better, space=space, epochs=8), "best_epoch_late")
    assert finding.command == "training.epochs=16"


def test_curves_that_peaked_early_ask_for_fewer_epochs() -> None:
    def early(epochs: int, accuracy: float, number: int) -> pd.DataFrame:
        rows = falling(epochs, accuracy, number)
        best_first = rows[["validation_accuracy"]].iloc[::-1].to_numpy().ravel()
        return rows.assign(validation_accuracy=best_first)

    space: Space = {"model.units": UNITS}
    (finding,) = found(study(20, space=space, law=wide_is_better, curve=early), "best_epoch_early")
    assert finding.command == "training.epochs=4"


def test_failed_and_pruned_shares_are_counted() -> None:
    tables = study(44, states=mixed)
    (failed,), (pruned,) = found(tables, "failed"), found(tables, "pruned")
    assert failed.figure == {"failed": 4 / 44, "reason": "the loss became NaN in epoch 2"}
    assert pruned.figure["pruned"] == (tables.trials["state"] == "pruned").mean()


def test_a_command_is_given_once() -> None:
    commands = [f.command for f in diagnose(study(60, wide_is_better)) if f.command]
    assert len(commands) == len(set(commands))


def test_the_terminal_gets_a_handful_of_lines() -> None:
    lines = summary_lines(study(40, wide_is_better, space=THREE))
    assert 1 <= len(lines) <= 8
    assert any(line.endswith("Try search.space.model.units.high=256") for line in lines)
    assert all("\n" not in line for line in lines)
