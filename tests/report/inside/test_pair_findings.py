"""The sentences about two networks, with numbers that were counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_seq.config.settings import Scalar
from mnist_seq.report.inside.pair import Pair
from mnist_seq.report.inside.pair_findings import (
    accuracy_finding,
    differing_settings,
    pair_findings,
    short_names,
)
from mnist_seq.report.inside.subject import Subject
from tests.report.inside.networks import other_reading, reading, with_answers


def subject(network: str, **settings: Scalar) -> Subject:
    own: dict[str, Scalar] = {"model.units": 16, "training.epochs": 3, "model.readout": "last"}
    changed = {f"model.{name}": value for name, value in settings.items()}
    return Subject(network, "validation", "asked", "python -m inspect", own | changed)


NARROW, WIDE = subject("zoo, trial 3"), subject("zoo, trial 4", units=128)


def test_findings_are_four_sentences_with_the_numbers() -> None:
    # Of 3 images that one alone has right, A has 2: as even as 3 can be but for one, p = 1.
    assert pair_findings(NARROW, WIDE, Pair(reading(), other_reading())) == [
        "A and B differ in model.units (16 in A, 128 in B)",
        "validation accuracy is 62.50 % with A, 50.00 % with B: A leads by 12.50 points, which may "
        "be luck (McNemar's exact test on the 3 images that only one of them has right, p = 1)",
        "they answer 4 of 8 images differently: only A is right about 2, only B about 1, both are "
        "wrong in their own way about 1; about 1 more both are wrong alike",
        "90 % of its own accuracy is reached by A after row 4, by B after row 1",
    ]


def test_a_network_against_its_like_differs_in_nothing() -> None:
    settings, accuracy, disputed, _ = pair_findings(NARROW, NARROW, Pair(reading(), reading()))
    assert settings == "A and B have the same settings"
    assert accuracy.endswith("both are right about the same images")
    assert disputed == "A and B give the same answer to all of 8 images"


@pytest.mark.parametrize(
    ("only_a", "only_b", "verdict"),
    [
        (0, 5, ": B leads by 50.00 points, which may be luck ("),  # p = 0.0625
        (0, 6, ": B leads by 50.00 points, more than luck ("),  # p = 0.03125
        (6, 0, ": A leads by 50.00 points, more than luck ("),
        (3, 3, ": neither leads ("),
    ],
)
def test_luck_is_ruled_out_from_six_to_nothing_on(only_a: int, only_b: int, verdict: str) -> None:
    decided = only_a + only_b
    labels_N = np.zeros(2 * decided, int)
    a, b = labels_N.copy(), labels_N.copy()
    a[only_a:decided] = 1
    b[:only_a] = 1
    told = accuracy_finding(Pair(with_answers(labels_N, a), with_answers(labels_N, b)))
    assert verdict in told


def test_many_settings_are_cut_and_counted() -> None:
    other = subject("x", units=1, readout="max", a=1, b=2, c=3, d=4)
    told, *_ = pair_findings(NARROW, other, Pair(reading(), other_reading()))
    assert told.count(" in A, ") == 4
    assert told.endswith(" and 2 settings more")


def test_values_that_three_digits_do_not_tell_apart_have_all_of_theirs() -> None:
    found = differing_settings({"x": 0.0012345, "y": 0.1, "z": None}, {"x": 0.0012346, "y": 0.25})
    assert found == {"x": ("0.0012345", "0.0012346"), "y": ("0.1", "0.25")}
    assert differing_settings({"f": "a\n\x1b[31m"}, {"f": None}) == {"f": ("a\\n\\x1b[31m", "null")}


def test_lines_are_named_by_the_one_setting_that_differs_else_by_the_runs() -> None:
    assert short_names(NARROW, WIDE) == ("A: units=16", "B: units=128")
    other = subject("zoo, trial 4", units=128, readout="max")
    assert short_names(NARROW, other) == ("A: zoo, trial 3", "B: zoo, trial 4")
    latin, wide = short_names(replace(other, network="x" * 60), replace(NARROW, network="文" * 60))
    assert (len(latin), len(wide)) == (3 + 20, 3 + 10)
