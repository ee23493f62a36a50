"""What the scores of several seeds show, against figures made by hand."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from mnist_seq.driver.scores import Scores, difference_line, luck_line, paired_difference

OURS = [0.990, 0.991, 0.989, 0.992, 0.988]
THEIRS = [0.985, 0.984, 0.986, 0.985, 0.985]
# Their differences are 5, 7, 3, 7, 3 thousandths: mean 5, standard deviation 2; the 97.5 % quantile
# of Student's t with 4 degrees of freedom is 2.776 in every printed table.
HALF = 2.776 * 0.002 / 5**0.5


def test_the_interval_of_a_paired_difference_is_students() -> None:
    low, middle, high = paired_difference(OURS, THEIRS)
    assert middle == pytest.approx(0.005)
    assert (low, high) == pytest.approx((0.005 - HALF, 0.005 + HALF), abs=1e-6)


def test_the_difference_is_told_in_points() -> None:
    told = difference_line(Scores(OURS, 0.99, 10_000), Scores(THEIRS, 0.99, 10_000))
    assert told == (
        "+0.50 points against the baseline on the same seeds, 95 % interval +0.25 to +0.75"
    )


@pytest.mark.parametrize("seeds", [2, 3])
def test_differences_that_are_all_alike_have_no_width(seeds: int) -> None:
    assert paired_difference([0.75] * seeds, [0.5] * seeds) == (0.25, 0.25, 0.25)


def test_luck_is_what_fresh_seeds_do_not_reach() -> None:
    assert luck_line(0.992, [0.990, 0.991]) == (
        "validation accuracy 99.20 % in the search, 99.05 % with 2 fresh seeds: "
        "0.15 points of it were luck"
    )
    assert luck_line(0.99, [0.99]).endswith("99.00 % with a fresh seed: no luck in it")


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_interval_of_a_paired_difference_is_scipys(confidence: float) -> None:
    ours, theirs = 0.99 + 0.003 * np.random.default_rng(3).standard_normal((2, 7))
    known = ttest_rel(ours, theirs).confidence_interval(confidence)
    low, middle, high = paired_difference([*ours], [*theirs], confidence)
    assert (low, high) == pytest.approx((known.low, known.high))
    assert middle == pytest.approx(np.mean(ours) - np.mean(theirs))
    if confidence == 0.95:
        assert paired_difference([*ours], [*theirs]) == (low, middle, high)
