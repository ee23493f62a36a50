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
    low, middle, high = paired_difference(OURS, THEIRS, 10_000)
    assert middle == pytest.approx(0.005)
    assert (low, high) == pytest.approx((0.005 - HALF, 0.005 + HALF), abs=1e-6)


def test_the_difference_is_told_in_points() -> None:
    told = difference_line(Scores(OURS, 0.99, 10_000), Scores(THEIRS, 0.99, 10_000))
    assert told == (
        "+0.50 points against the baseline on the same seeds, 95 % interval +0.25 to +0.75"
    )


def test_differences_that_are_all_alike_are_known_to_an_image_at_best() -> None:
    # What is rounded to a step has a standard deviation of the step / sqrt(12) from that alone; the
    # 97.5 % quantile of Student's t with one degree of freedom is 12.706 in every printed table.
    half = 12.706 * 0.001 / 12**0.5 / 2**0.5
    low, middle, high = paired_difference([0.752, 0.751], [0.751, 0.75], 1000)
    assert (low, middle, high) == pytest.approx((0.001 - half, 0.001, 0.001 + half), abs=1e-6)
    assert low < 0


def test_a_flawless_score_has_an_error_and_that_of_several_is_of_their_mean() -> None:
    # Half an image short of 50: sqrt(0.01 * 0.99 / 50).
    assert "(± 1.41: the standard error of 50 images)" in Scores([1.0], 1.0, 50).line("test")
    assert Scores([1.0, 0.5], 1.0, 10_000).line("test").endswith("10,000 images alone leave ± 0.43")


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
    low, middle, high = paired_difference([*ours], [*theirs], 10_000, confidence)
    assert (low, high) == pytest.approx((known.low, known.high))
    assert middle == pytest.approx(np.mean(ours) - np.mean(theirs))
    if confidence == 0.95:
        assert paired_difference([*ours], [*theirs], 10_000) == (low, middle, high)
