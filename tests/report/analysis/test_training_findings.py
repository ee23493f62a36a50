"""Findings from the curves of the best trials, which the test plants."""

from dataclasses import replace

import pandas as pd
import pytest

from tests.report.studies import UNITS, Space, falling, found, overfit, study, wide_is_better


def test_planted_overfitting_is_found() -> None:
    (finding,) = found(study(20, curve=overfit), "overfitting")
    assert finding.numbers["overfit"] == 1.0
    assert float(finding.numbers["rise"]) > 0.1
    assert not found(study(20, curve=falling), "overfitting")


@pytest.mark.parametrize(
    ("overfits", "epochs", "said"),
    [
        ([True], [8], "The only complete trial overfit: its validation loss "),
        ([True] * 3, [8] * 3, "All 3 top trials overfit: their validation loss "),
        ([True, True, False], [8] * 3, "2 of the 3 top trials overfit: their validation loss "),
        (
            [True, True, False],
            [8, 8, 2],
            "All 2 top trials of at least 3 epochs overfit: their validation loss ",
        ),
        (
            [True, False, False],
            [8, 8, 2],
            "1 of the 2 top trials of at least 3 epochs overfit: its validation loss ",
        ),
        (
            [True, False, False],
            [8, 2, 2],
            "The only top trial of at least 3 epochs overfit: its validation loss ",
        ),
    ],
)
def test_only_curves_long_enough_to_tell_are_counted(
    overfits: list[bool], epochs: list[int], said: str
) -> None:
    def curve(planned: int, accuracy: float, number: int) -> pd.DataFrame:
        drawn = overfit if overfits[number] else falling
        return drawn(planned, accuracy, number).head(epochs[number])

    tables = study(len(overfits), space={"model.units": UNITS}, curve=curve)
    (finding,) = found(tables, "overfitting")
    assert finding.text.startswith(said)


def test_curves_still_rising_ask_for_more_epochs() -> None:
    space: Space = {"model.units": UNITS}
    (finding,) = found(study(20, wide_is_better, space=space, epochs=8), "best_epoch_late")
    assert finding.command == "training.epochs=16"
    assert finding.text.startswith("All 4 top trials were best at the very end of their training")


def test_a_top_trial_too_short_to_tell_is_not_counted() -> None:
    tables = study(20, wide_is_better, space={"model.units": UNITS}, epochs=8)
    assert tables.best is not None
    rows = tables.trials
    rows = rows.assign(epochs=rows["epochs"].mask(rows["number"] == tables.best.number, 2))
    (finding,) = found(replace(tables, trials=rows), "best_epoch_late")
    assert finding.text.startswith("All 3 top trials of at least 3 epochs were best at the very ")


def test_curves_that_peaked_early_ask_for_fewer_epochs() -> None:
    def early(epochs: int, accuracy: float, number: int) -> pd.DataFrame:
        rows = falling(epochs, accuracy, number)
        best_first = rows[["validation_accuracy"]].iloc[::-1].to_numpy().ravel()
        return rows.assign(validation_accuracy=best_first)

    space: Space = {"model.units": UNITS}
    (finding,) = found(study(20, space=space, law=wide_is_better, curve=early), "best_epoch_early")
    assert finding.command == "training.epochs=4"
