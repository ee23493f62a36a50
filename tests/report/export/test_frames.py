import csv
import io
import math

import pandas as pd

from mnist_seq.config.search import Choices, Range
from mnist_seq.report.analysis.tables import CURVE_COLUMNS, TRIAL_COLUMNS, StudyTables
from mnist_seq.report.export.files import csv_file
from mnist_seq.report.export.frames import curves_frame, trials_frame
from tests.report.studies import Space

SPACE: Space = {
    "model.units": Range(low=1, high=64),
    "training.clip_norm": Choices(choices=[None, 1]),
    "model.bidirectional": Choices(choices=[True, False]),
}


def study(*rows: dict[str, object]) -> StudyTables:
    return StudyTables(
        name="study",
        objective="validation_loss",
        space=dict(SPACE),
        trials=pd.DataFrame(rows, columns=[*TRIAL_COLUMNS, *SPACE]),
        curves=pd.DataFrame(columns=list(CURVE_COLUMNS)),
        validation_images=100,
        command="",
        facts={},
        fixed={"data.train_file": None, "training.optimizer": "adam", "model.layers": 2},
    )


def test_each_setting_has_the_type_of_its_config_whatever_its_values() -> None:
    trials = trials_frame(
        study(
            {"number": 1, "state": "failed", "value": math.nan, "reason": "worker died"},
            {"number": 0, "state": "complete", "value": 0.5, "model.units": 3}
            | {"training.clip_norm": 1, "model.bidirectional": True, "best_epoch": 2},
        )
    )
    assert list(trials["trial"]) == [0, 1]
    kinds = {
        "trial": "Int64",
        "value": "float64",
        "best_epoch": "Int64",
        "reason": "string",
        "model.units": "Int64",
        "model.layers": "Int64",
        "model.bidirectional": "boolean",
        "training.clip_norm": "float64",
        "training.optimizer": "string",
        "data.train_file": "string",
    }
    assert {name: str(trials[name].dtype) for name in kinds} == kinds
    assert list(trials["model.units"].isna()) == [False, True]
    assert trials["model.units"][0] == 3
    assert list(trials["model.layers"]) == [2, 2]


def test_a_value_of_another_type_in_another_programs_trial_is_left_out() -> None:
    foreign = {"number": 0, "state": "failed", "model.units": "many", "model.bidirectional": "no"}
    trials = trials_frame(study(foreign, {"number": 1, "model.units": 2.5}))
    assert trials[["model.units", "model.bidirectional"]].isna().all(axis=None)


def test_a_study_without_trials_has_the_same_columns_and_types() -> None:
    empty, some = study(), study({"number": 0})
    assert trials_frame(empty).dtypes.equals(trials_frame(some).dtypes)
    assert len(curves_frame(empty)) == 0


def test_no_text_of_a_csv_file_is_a_formula_and_numbers_stay_numbers() -> None:
    trials = trials_frame(study({"number": 0, "value": -1.5, "reason": "=1+1"}))
    (row,) = csv.DictReader(io.StringIO(csv_file(trials).decode(), newline=""))
    assert (row["reason"], row["value"]) == ("'=1+1", "-1.5")
    assert trials["reason"][0] == "=1+1"
