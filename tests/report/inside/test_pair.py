"""Two networks' answers to the same images, counted by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from mnist_seq.report.inside.pair import BOTH_RIGHT, BOTH_WRONG, ONLY_A, ONLY_B, OUTCOMES, Pair
from tests.report.inside.networks import NAMES, other_reading, reading, with_answers


def pair() -> Pair:
    return Pair(reading(), other_reading())


def test_who_is_right_is_what_a_hand_counts() -> None:
    # Labels:  ape ape bee bee cat cat bee cat
    # A:       ape ape bee cat bee cat cat cat, right about 0, 1, 2, 5, 7
    # B:       ape bee bee bee bee cat ape bee, right about 0, 2, 3, 5
    found = pair()
    assert [OUTCOMES[each] for each in found.outcomes] == [
        BOTH_RIGHT, ONLY_A, BOTH_RIGHT, ONLY_B, BOTH_WRONG, BOTH_RIGHT, BOTH_WRONG, ONLY_A,
    ]  # fmt: skip
    assert [found.count(each) for each in OUTCOMES] == [3, 2, 1, 2]
    assert np.flatnonzero(found.is_disputed).tolist() == [1, 3, 6, 7]
    assert found.difference == pytest.approx(4 / 8 - 5 / 8)


def test_surest_contradictions_come_first_and_kinds_alternate() -> None:
    # The less sure of the two: 1 at 0.8, 7 at 0.85 (only A), 3 at 0.7 (only B), 6 at 0.5 (wrong).
    # The surer of the two would put 1 at 0.95 before 7 at 0.9.
    assert pair().disputed(9).tolist() == [7, 3, 6, 1]
    assert pair().disputed(2).tolist() == [7, 3]


def test_examples_go_on_with_images_that_both_answer_alike() -> None:
    # A's examples go round the classes; of them 0, 2, 5 and the mistake 4 are answered alike.
    assert pair().examples(6).tolist() == [7, 3, 6, 1, 0, 2]
    assert pair().examples(99).tolist() == [7, 3, 6, 1, 0, 2, 5, 4]
    assert Pair(reading(), reading()).examples(2).tolist() == reading().examples(2).tolist()


def counted(only_a: int, only_b: int, both: int = 3) -> Pair:
    labels_N = np.zeros(only_a + only_b + both, int)
    a, b = labels_N.copy(), labels_N.copy()
    a[only_a : only_a + only_b] = 1
    b[:only_a] = 1
    return Pair(with_answers(labels_N, a), with_answers(labels_N, b))


@pytest.mark.parametrize(
    ("only_a", "only_b", "by_hand"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),  # either side of one coin
        (0, 5, 2 / 32),  # all heads or all tails
        (0, 6, 2 / 64),
        (2, 8, 2 * (1 + 10 + 45) / 1024),
        (4, 4, 1.0),
    ],
)
def test_the_exact_test_is_that_of_as_many_coins(only_a: int, only_b: int, by_hand: float) -> None:
    found = counted(only_a, only_b)
    assert found.p_value == pytest.approx(by_hand)
    assert found.is_significant == (by_hand < 0.05)
    assert found.p_value == pytest.approx(counted(only_b, only_a).p_value)


def test_many_discordant_images_are_tested_as_scipys_binomial_distribution_says() -> None:
    found = counted(70, 110, both=900)
    assert found.p_value == pytest.approx(2 * binom.cdf(70, 180, 0.5))


def test_images_that_both_have_right_or_wrong_do_not_count() -> None:
    assert counted(2, 8, both=0).p_value == counted(2, 8, both=500).p_value


@pytest.mark.parametrize("what", ["labels_N", "images_NSF", "class_names"])
def test_networks_that_read_other_images_are_no_pair(what: str) -> None:
    changed = {
        "labels_N": reading().labels_N[::-1],
        "images_NSF": 255 - reading().images_NSF,
        "class_names": (*NAMES[:2], "cow"),
    }
    with pytest.raises(ValueError, match="different images"):
        Pair(reading(), replace(reading(), **{what: changed[what]}))  # type: ignore[arg-type]
