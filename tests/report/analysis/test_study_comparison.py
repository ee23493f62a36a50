import math
from typing import Any

import pandas as pd
import pytest

from mnist_seq.config.search import Choices, Range
from mnist_seq.config.settings import Scalar
from mnist_seq.report.analysis.study_comparison import ComparedStudy, differing, findings, said
from mnist_seq.report.analysis.tables import CURVE_COLUMNS, TRIAL_COLUMNS, StudyTables
from tests.report.studies import IMAGES, THREE, Space, study, wide_is_better

ONE: Space = {"model.units": Choices(choices=[50])}
SAME = {"validation": "0a", "data": "1b"}


def reached(accuracy: float, count: int = 1, **more: Any) -> StudyTables:
    """A study whose trials all have one accuracy, without any error."""
    return study(count, space=ONE, law=lambda _: accuracy, baseline=None, binomial=False, **more)


def compared(*studies: StudyTables, **known: dict[str, str]) -> list[ComparedStudy]:
    """Studies on the same validation images, but for those with `known` digests, by letter."""
    return [
        ComparedStudy(letter, tables, {"search.sampler": "gp"}, known.get(letter, SAME))
        for letter, tables in zip("ABCDEF", studies, strict=False)
    ]


def test_a_lead_is_told_against_the_luck_of_two_equal_values() -> None:
    # Of two values with one error, the difference is normal with the square root of 2 times it.
    error = math.sqrt(0.9 * 0.1 / IMAGES)
    luck = 1.6449 * math.sqrt(2) * error
    first, *_ = findings(compared(reached(0.9), reached(0.9 + 1.2 * luck)))
    assert first.startswith("B's best, trial 0 with 90.76 %, is 0.76 points (± 0.38) above A's, ")
    assert "trial 0 with 90.00 %, more than luck explains: among 1 trial no better" in first
    assert f"one would lead by up to {100 * luck:.2f} points on 12,000 validation images" in first
    first, *_ = findings(compared(reached(0.9), reached(0.9 + 0.8 * luck)))
    assert "which may be luck" in first


def test_the_more_trials_the_more_luck_the_leader_may_have_had() -> None:
    few, *_ = findings(compared(reached(0.9), reached(0.908, 1)))
    many, *_ = findings(compared(reached(0.9), reached(0.908, 40)))
    assert "more than luck explains: among 1 trial" in few
    assert "which may be luck: among 40 trials" in many


def test_of_other_images_nothing_is_claimed() -> None:
    other, unknown = {"validation": "2c"}, dict[str, str]()
    told = findings(compared(reached(0.9), reached(0.99), reached(0.8), B=other, C=unknown))
    assert not [line for line in told if "best, trial" in line]
    assert told[0] == (
        "The validation images are not all the same: some in A, others in B, others in C. Where "
        "they are others, no best is called better than another."
    )
    told = findings(compared(reached(0.9), reached(0.99), reached(0.8), B=other))
    (lead,) = (line for line in told if "best, trial" in line)
    assert lead.startswith("A's best, trial 0 with 90.00 %, is 10.00 points")
    assert "above C's" in lead


def test_an_earlier_versions_one_digest_of_all_data_tells_as_much() -> None:
    first, *_ = findings(compared(reached(0.9), reached(0.99), A={"data": "1"}, B={"data": "1"}))
    assert first.startswith("B's best")


def test_objectives_that_differ_are_said() -> None:
    told = findings(compared(reached(0.9), reached(0.95, objective="validation_loss")))
    assert told[0].startswith("B's best, trial 0 with 95.00 %")
    assert any(
        line.startswith("The objectives differ: validation accuracy in A; validation loss in B.")
        for line in told
    )


def test_a_study_without_a_value_is_said_and_compared_with_nothing() -> None:
    told = findings(compared(reached(0.9), study(2, states=["failed", "failed"])))
    assert told[0] == "B has no trial with a value."


def empty(space: Space, commit: str, fixed: dict[str, Scalar]) -> StudyTables:
    return StudyTables(
        name="study",
        objective="validation_accuracy",
        space=space,
        trials=pd.DataFrame(columns=[*TRIAL_COLUMNS, *space]),
        curves=pd.DataFrame(columns=list(CURVE_COLUMNS)),
        validation_images=IMAGES,
        command="",
        facts={"python": "3.11", "git_commit": commit, "seed": "0"},
        fixed=fixed,
    )


def test_what_differs_are_values_ranges_and_facts_and_nothing_else() -> None:
    units = Choices(choices=[8])
    a = empty(
        {"model.layers": Range(low=1, high=3), "model.units": units},
        "0a1b",
        {"seed": 0, "training.learning_rate": 0.0010001, "model.dropout": 0},
    )
    b = empty(
        {"model.units": units},
        "2c3d",
        {"seed": 0, "training.learning_rate": 0.001, "model.dropout": 0.0, "model.layers": 1},
    )
    studies = [
        ComparedStudy("A", a, {"search.sampler": "gp", "search.seed": 0}, SAME),
        ComparedStudy("B", b, {"search.sampler": "tpe", "search.seed": 0}, SAME),
    ]
    assert differing(studies) == {
        "training.learning_rate": ["0.0010001", "0.001"],
        "model.layers": ["1 to 3", "1"],
        "search.sampler": ["gp", "tpe"],
        "git_commit": ["0a1b", "2c3d"],
    }
    assert findings(compared(reached(0.9), reached(0.9)))[-1] == (
        "Settings, space, data, code and libraries are the same."
    )


@pytest.fixture(scope="module")
def wide() -> list[ComparedStudy]:
    """Two studies that know that units matter, one of two trials, one that did not search them."""
    rate: Space = {"training.learning_rate": THREE["training.learning_rate"]}
    return compared(
        study(20, space=THREE, law=wide_is_better, baseline=None),
        study(20, space=THREE, law=wide_is_better, baseline=None, seed=5),
        study(2, space=THREE, law=wide_is_better, baseline=None),
        study(2, space=rate, law=lambda _: 0.9, baseline=None, fixed={"model.units": 64}),
    )


def test_the_same_hyperparameter_is_told_by_each_study_in_its_own_words(
    wide: list[ComparedStudy],
) -> None:
    told = said(wide)
    assert list(told) == list(THREE)
    first, second, few, unsearched = told["model.units"]
    for sentence in (first, second):
        assert sentence.startswith("From 16 to ")
        assert "the error falls from" in sentence
    assert first != second
    assert few == "Too few trials to say."
    assert unsearched == "Not searched: 64."
    assert (
        "than chance" in told["training.batch_size"][0]
        or "little" in told["training.batch_size"][0]
    )
