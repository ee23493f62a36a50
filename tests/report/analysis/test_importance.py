import math
from dataclasses import replace

import numpy as np
import pytest

from mnist_seq.config.search import Choices, Range
from mnist_seq.report.analysis.importance import variance_importance
from mnist_seq.report.analysis.tables import StudyTables
from tests.report.studies import Settings, Space, noise, study

UNIT = Range(low=0.0, high=1.0)
ABC: Space = {"a": UNIT, "b": UNIT, "c": UNIT}


def additive(settings: Settings) -> float:
    """The logarithm of the error is a sum: 3a + b."""
    a, b = (float(settings[name] or 0) for name in "ab")
    return 1 - 0.3 * math.exp(-(3 * a + b) / 2)


def product(settings: Settings) -> float:
    a, b = (float(settings[name] or 0) - 0.5 for name in "ab")
    return 1 - 0.1 * math.exp(6 * a * b)


def _means(tables: StudyTables) -> dict[str, float]:
    importances = variance_importance(tables)
    assert importances is not None
    return {path: importances.interval(path)[1] for path in tables.space}


def test_shares_of_the_variance_of_a_sum() -> None:
    # Of 3a + b with a, b uniform, a brings 9 parts of the variance and b 1.
    ours = _means(study(60, additive, space=ABC, binomial=False))
    assert ours == pytest.approx({"a": 0.9, "b": 0.1, "c": 0.0}, abs=0.1)


def test_what_a_product_says_lies_in_the_pair() -> None:
    importances = variance_importance(study(80, product, space=ABC, binomial=False))
    assert importances is not None
    assert importances.interacting()[0] == ("a", "b")
    low, mean, _ = importances.pair_interval(("a", "b"))
    assert low > 0.5
    assert mean == pytest.approx(1, abs=0.3)  # all of the variance: neither says anything alone
    assert abs(importances.pair_interval(("b", "c"))[1]) < 0.1


def test_effects_that_add_up_are_no_interaction() -> None:
    importances = variance_importance(study(80, additive, space=ABC, binomial=False))
    assert importances is not None
    assert abs(importances.pair_interval(("a", "b"))[1]) < 0.05


def test_a_child_is_not_paid_for_what_its_parent_does() -> None:
    space: Space = {
        "parent": Choices(choices=[True, False]),
        "child": Choices(choices=["x", "y", "z"], when={"parent": True}),
        "other": UNIT,
    }
    ours = _means(study(80, lambda s: 0.9 if s["parent"] else 0.8, space=space))
    assert ours["parent"] > 0.8
    assert ours["child"] == pytest.approx(0, abs=0.03)


def test_a_child_that_matters_is_seen_among_the_trials_that_use_it() -> None:
    space: Space = {
        "parent": Choices(choices=[True, False]),
        "child": Choices(choices=["x", "y", "z"], when={"parent": True}),
    }
    law = {"x": 0.8, "y": 0.9, "z": 0.95, "None": 0.9}
    ours = _means(study(80, lambda s: law[str(s["child"])], space=space))
    assert ours["child"] > 0.2


def test_what_only_trials_that_cannot_be_compared_have_used_is_left_out() -> None:
    space: Space = {
        "parent": Choices(choices=["x", "y"]),
        "child": Choices(choices=[1, 2, 3], when={"parent": "z"}),
        "other": UNIT,
    }
    tables = study(24, lambda s: 0.8 + 0.1 * float(s["other"] or 0), space=space)
    rows = tables.trials.assign(fixed=[64, 96, 128] + [32] * 21)
    rows.loc[rows.index[:3], "parent"] = "z"
    rows.loc[rows.index[:3], "child"] = [1, 2, 3]
    wider = space | {"parent": Choices(choices=["x", "y", "z"])}
    importances = variance_importance(
        replace(tables, trials=rows, unsearched=("fixed",), space=wider)
    )
    assert importances is not None
    assert importances.interval("child") == (0, 0, 0)
    assert importances.interval("other")[1] > 0.5


def test_few_or_equal_trials_have_no_importances() -> None:
    assert variance_importance(study(7)) is None
    flat: Space = {"a": Range(low=0.0, high=0.0)}
    assert variance_importance(study(30, noise, space=flat)) is None


def test_the_same_tables_give_the_same_figures() -> None:
    first, second = (variance_importance(study(12)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.single_samples, second.single_samples)
