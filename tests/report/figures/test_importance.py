import numpy as np
import pytest

from mnist_seq.report.figures.importance import BANDWIDTH, local_mean


def test_a_map_is_the_weighted_mean_of_the_trials_around() -> None:
    zero, one = np.zeros(1), np.ones(1)
    x = np.array([0.0, BANDWIDTH])
    there = local_mean(x, np.zeros(2), np.array([1.0, 3.0]), zero, zero)
    weight = np.exp(-0.5)  # of the trial one bandwidth away
    assert there == pytest.approx((1 + 3 * weight) / (1 + weight))
    assert np.isnan(local_mean(x, np.zeros(2), np.array([1.0, 3.0]), one, one)).all()
