from itertools import combinations

import numpy as np
import pytest

from mnist_seq.report.analysis.chance import expected_best, lead, lead_by_luck
from tests.report.studies import UNITS, noise, study


@pytest.mark.parametrize("trials", [1, 19, 299])
def test_luck_is_what_equal_trials_show(trials: int) -> None:
    random = np.random.default_rng(1)
    draws = random.standard_normal((20_000, trials)).max(axis=1) - random.standard_normal(20_000)
    assert lead_by_luck(trials, 2.0) == pytest.approx(2 * np.quantile(draws, 0.95), rel=0.03)


@pytest.mark.slow
def test_luck_holds_what_equal_trials_show_nineteen_times_in_twenty() -> None:
    # Whole studies of equal trials, by the very binomial draws that the page speaks of.
    baseline = {"model.units": 50}
    leads = []
    for seed in range(200):
        tables = study(12, noise, space={"model.units": UNITS}, seed=seed, baseline=baseline)
        over = lead(tables)
        leads.append(over is not None and over.difference > over.luck)
    assert sum(leads) <= 20  # 10 expected; more than 20 has a chance of about 1 in 1000


def test_the_expected_best_is_the_mean_over_all_draws() -> None:
    values = np.array([0.91, 0.97, 0.93, 0.99, 0.99, 0.2])
    by_hand = [np.mean([max(draw) for draw in combinations(values, k)]) for k in range(1, 7)]
    assert expected_best(values) == pytest.approx(by_hand)


def test_it_stays_exact_for_many_trials() -> None:
    values = np.arange(1.0, 1001)  # the mean of the largest of k of 1..n is k (n + 1) / (k + 1)
    k = np.arange(1, 1001)
    assert expected_best(values) == pytest.approx(k * 1001 / (k + 1))
