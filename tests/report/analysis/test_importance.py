import numpy as np
import pytest
from sklearn import inspection
from sklearn.ensemble import RandomForestRegressor

from mnist_seq.config import Choices, Range
from mnist_seq.report.analysis.importance import permutation_importance
from mnist_seq.report.analysis.tables import StudyTables
from tests.report.studies import Settings, Space, noise, study

UNIT = Range(low=0.0, high=1.0)
ABC: Space = {"a": UNIT, "b": UNIT, "c": UNIT}


def additive(settings: Settings) -> float:
    return 0.5 + 0.3 * float(settings["a"] or 0) + 0.1 * float(settings["b"] or 0)


def product(settings: Settings) -> float:
    a, b = (float(settings[name] or 0) - 0.5 for name in "ab")
    return 0.7 + a * b


def _means(tables: StudyTables) -> dict[str, float]:
    importances = permutation_importance(tables)
    assert importances is not None
    return {path: importances.interval(path)[1] for path in tables.space}


def test_importances_agree_with_scikit_learn_on_fresh_trials() -> None:
    tables = study(300, additive, space=ABC, binomial=False)
    fresh = study(300, additive, space=ABC, binomial=False, seed=1)
    ranks = [t.trials["value"].rank().to_numpy() for t in (tables, fresh)]
    inputs = [t.trials[list("abc")].to_numpy(float) for t in (tables, fresh)]
    forest = RandomForestRegressor(200, random_state=0).fit(inputs[0], ranks[0])
    independent = inspection.permutation_importance(
        forest, inputs[1], ranks[1], scoring="r2", n_repeats=20, random_state=0
    )
    ours = _means(tables)
    assert [ours[p] for p in "abc"] == pytest.approx(independent.importances_mean, abs=0.12)


def test_shuffling_costs_twice_the_variance_that_comes_with_it() -> None:
    # Of 3a + b with a, b uniform, a brings 9 parts of the variance and b 1.
    ours = _means(study(400, additive, space=ABC, binomial=False))
    assert ours["a"] == pytest.approx(2 * 0.9, abs=0.2)
    assert ours["b"] == pytest.approx(2 * 0.1, abs=0.1)
    assert ours["c"] == pytest.approx(0, abs=0.02)


def test_what_a_product_says_lies_in_the_pair() -> None:
    importances = permutation_importance(study(300, product, space=ABC, binomial=False))
    assert importances is not None
    assert importances.interacting()[0] == ("a", "b")
    low, mean, _ = importances.pair_interval(("a", "b"))
    assert low > 0
    assert mean > 0.5
    assert abs(importances.pair_interval(("b", "c"))[1]) < 0.15


def test_effects_that_add_up_are_no_interaction() -> None:
    importances = permutation_importance(study(300, additive, space=ABC, binomial=False))
    assert importances is not None
    assert abs(importances.pair_interval(("a", "b"))[1]) < 0.15


def test_a_child_is_not_paid_for_what_its_parent_does() -> None:
    space: Space = {
        "parent": Choices(choices=[True, False]),
        "child": Choices(choices=["x", "y", "z"], when={"parent": True}),
        "other": UNIT,
    }
    tables = study(200, lambda s: 0.9 if s["parent"] else 0.8, space=space)
    ours = _means(tables)
    assert ours["parent"] > 1
    assert ours["child"] == pytest.approx(0, abs=0.03)


def test_a_child_that_matters_is_seen_among_the_trials_that_use_it() -> None:
    space: Space = {
        "parent": Choices(choices=[True, False]),
        "child": Choices(choices=["x", "y", "z"], when={"parent": True}),
    }
    law = {"x": 0.8, "y": 0.9, "z": 0.95, "None": 0.9}
    ours = _means(study(200, lambda s: law[str(s["child"])], space=space))
    assert ours["child"] > 0.3


def test_on_noise_nothing_is_explained() -> None:
    for seed in range(5):
        importances = permutation_importance(study(60, noise, seed=seed))
        assert importances is not None
        assert importances.explained <= 0


def test_few_or_equal_trials_have_no_importances() -> None:
    assert permutation_importance(study(7)) is None
    assert permutation_importance(study(30, noise, binomial=False)) is None


def test_the_same_tables_give_the_same_figures() -> None:
    first, second = (permutation_importance(study(20)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.single_samples, second.single_samples)
