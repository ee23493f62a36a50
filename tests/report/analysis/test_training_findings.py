"""Findings from the curves of the best trials, which the test plants."""

import pandas as pd

from tests.report.studies import UNITS, Space, falling, found, overfit, study, wide_is_better


def test_planted_overfitting_is_found() -> None:
    (finding,) = found(study(20, curve=overfit), "overfitting")
    assert finding.numbers["overfit"] == 1.0
    assert float(finding.numbers["rise"]) > 0.1
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
