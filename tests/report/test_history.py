from itertools import combinations

import numpy as np
import pytest

from mnist_seq.report.history import expected_best


def test_the_expected_best_is_the_mean_over_all_draws() -> None:
    values = np.array([0.91, 0.97, 0.93, 0.99, 0.99, 0.2])
    by_hand = [np.mean([max(draw) for draw in combinations(values, k)]) for k in range(1, 7)]
    assert expected_best(values) == pytest.approx(by_hand)


def test_it_stays_exact_for_many_trials() -> None:
    values = np.arange(1.0, 1001)  # the mean of the largest of k of 1..n is k (n + 1) / (k + 1)
    k = np.arange(1, 1001)
    assert expected_best(values) == pytest.approx(k * 1001 / (k + 1))
