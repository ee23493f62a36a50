import numpy as np
import pytest
from scipy.stats import studentized_range

from mnist_seq.report.noise import lead_by_luck, spread_by_luck, standard_error


def test_the_error_is_the_spread_of_repeated_measurements() -> None:
    measured = np.random.default_rng(0).binomial(6000, 0.992, size=200_000) / 6000
    assert standard_error(0.992, 6000) == pytest.approx(float(measured.std()), rel=0.01)
    assert standard_error(0.992, 6000) == pytest.approx(0.00115, abs=1e-5)


def test_a_flawless_accuracy_is_not_free_of_error() -> None:
    # Half an image short of 100: sqrt(0.005 * 0.995 / 100).
    assert standard_error(1.0, 100) == pytest.approx(0.007053, abs=1e-6)
    assert standard_error(0.0, 100) == pytest.approx(standard_error(1.0, 100))


@pytest.mark.parametrize("trials", [1, 19, 299])
def test_luck_is_what_equal_trials_show(trials: int) -> None:
    random = np.random.default_rng(1)
    draws = random.standard_normal((20_000, trials)).max(axis=1) - random.standard_normal(20_000)
    assert lead_by_luck(trials, 2.0) == pytest.approx(2 * np.quantile(draws, 0.95), rel=0.03)


@pytest.mark.parametrize("values", [2, 4, 8])
def test_the_spread_is_tukeys_studentized_range(values: int) -> None:
    tukey = studentized_range.ppf(0.95, values, np.inf)
    assert spread_by_luck(values, 2.0) == pytest.approx(2 * tukey, rel=0.001)
