import math
from dataclasses import replace

import pandas as pd
import pytest

from tests.report.studies import BASELINE, lstm, study


def test_a_missing_column_is_named() -> None:
    whole = study(3)
    with pytest.raises(ValueError, match=r"model\.units"):
        replace(whole, trials=whole.trials.drop(columns="model.units"))


def test_the_best_is_the_greatest_accuracy_of_the_complete_trials() -> None:
    tables = study(30, states=["complete", "pruned"] * 15)
    complete = tables.trials[tables.trials["state"] == "complete"]
    assert tables.best is not None
    assert tables.best.value == max(complete["value"])


def test_the_best_is_the_least_loss_and_knows_the_accuracy_of_its_best_epoch() -> None:
    tables = study(10, objective="validation_loss")
    assert tables.best is not None
    assert tables.best.value == min(tables.trials["value"])
    rows = tables.curves[tables.curves["trial"] == tables.best.number]
    row = rows[rows["epoch"] == tables.best.best_epoch]
    assert tables.best.accuracy == row["validation_accuracy"].item()


def test_where_none_is_complete_the_best_is_the_best_pruned_one() -> None:
    tables = study(6, states=lambda _: "pruned")
    assert tables.best is not None
    assert tables.best.value == max(tables.trials["value"])


def test_failed_running_and_infinite_trials_have_no_say() -> None:
    tables = study(4, states=["complete", "failed", "running", "complete"])
    rows = tables.trials.assign(value=[0.9, 0.99, 0.99, math.inf])
    tables = replace(tables, trials=rows)
    assert list(tables.scored["number"]) == [0]


def test_the_first_baseline_is_the_yardstick() -> None:
    tables = study(5, lstm, baseline=BASELINE)
    assert tables.baseline is not None
    assert tables.baseline.number == 0
    assert tables.baseline.settings["model.units"] == 50


def test_an_empty_study_has_no_best() -> None:
    tables = study(0)
    assert tables.best is None
    assert tables.baseline is None
    assert isinstance(tables.scored, pd.DataFrame)


def test_the_front_is_what_no_complete_trial_is_as_good_as_and_as_cheap() -> None:
    tables = study(5, states=["complete", "complete", "complete", "pruned", "complete"])
    trials = tables.trials.assign(
        value=[0.9, 0.8, 0.95, 0.99, 0.9], parameters=[200, 100, 300, 50, 250]
    )
    several = replace(tables, trials=trials, costs=("parameters",))
    assert list(several.front["number"]) == [1, 0, 2]
    assert list(replace(several, costs=()).front["number"]) == [2]
