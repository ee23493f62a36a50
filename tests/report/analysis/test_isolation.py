import math

import numpy as np
import pandas as pd
import pytest

from mnist_seq.config import Choices, Range
from mnist_seq.report.analysis.hyperparameters import hyperparameter
from mnist_seq.report.analysis.isolation import isolate
from tests.report.studies import IMAGES, mixed, study


def test_each_choice_has_the_best_of_its_trials() -> None:
    tables = study(80)
    parts = isolate(tables, hyperparameter(tables, "training.batch_size"))
    by_pandas = tables.trials.groupby("training.batch_size")["value"].max()
    assert [part.value for part in parts] == list(by_pandas)


def test_a_child_is_isolated_among_the_trials_that_use_it() -> None:
    tables = study(80)
    parts = isolate(tables, hyperparameter(tables, "model.readout"))
    used = tables.trials[tables.trials["model.return_sequences"].astype(bool)]
    order = ["each_step", "mean", "max", "flatten", "attention"]
    assert [part.value for part in parts] == list(
        used.groupby("model.readout")["value"].max()[order]
    )


def test_the_parts_of_a_logarithmic_range_are_equal_in_the_logarithm() -> None:
    tables = study(100)
    path = "training.learning_rate"
    parts = isolate(tables, hyperparameter(tables, path))
    edges = np.geomspace(1e-4, 1e-2, 9)
    edges[-1] *= 1.001
    in_part = pd.cut(tables.trials[path], list(edges), right=False)
    by_pandas = tables.trials.groupby(in_part, observed=True)["value"].max()
    assert [part.value for part in parts] == list(by_pandas)


def test_the_best_of_a_loss_is_the_least() -> None:
    tables = study(40, objective="validation_loss")
    parts = isolate(tables, hyperparameter(tables, "training.batch_size"))
    by_pandas = tables.trials.groupby("training.batch_size")["value"].min()
    assert [part.value for part in parts] == list(by_pandas)
    assert {part.error for part in parts} == {None}


def test_the_bar_is_the_binomial_error() -> None:
    tables = study(20)
    for part in isolate(tables, hyperparameter(tables, "training.batch_size")):
        assert part.error == pytest.approx(math.sqrt(part.value * (1 - part.value) / IMAGES))


def test_a_pruned_trial_stands_for_its_value_only_where_none_is_complete() -> None:
    tables = study(40, states=mixed, space={"training.batch_size": Choices(choices=[28, 64])})
    values = tables.scored["training.batch_size"]
    rows = tables.scored.assign(state=np.where(values == 28, "pruned", tables.scored["state"]))
    tables = study(0, space=tables.space, trials=rows.assign(value=range(len(rows))))
    first, second = isolate(tables, hyperparameter(tables, "training.batch_size"))
    assert first.pruned
    assert not second.pruned


def test_few_whole_numbers_are_isolated_one_by_one() -> None:
    tables = study(60, space={"model.layers": Range(low=1, high=4)}, law=lambda _: 0.95)
    parts = isolate(tables, hyperparameter(tables, "model.layers"))
    assert [part.position for part in parts] == [1, 2, 3, 4]
