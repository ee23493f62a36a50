"""Effects of single hyperparameters, against SciPy's own tests and sums by hand."""

import io

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mnist_seq.errors import TrainingError
from mnist_seq.report.analysis.measured_interaction import interaction
from mnist_seq.report.analysis.sensitivity import Measurements, response_curve, values_csv
from mnist_seq.report.analysis.sensitivity_findings import curve_finding, interaction_finding

IMAGES = 10_000


def measured(*errors: list[float]) -> Measurements:
    return Measurements("validation_accuracy", IMAGES, 1 - np.array(errors))


THREE = measured([0.010, 0.012, 0.011], [0.011, 0.010, 0.012], [0.020, 0.023, 0.018])


def test_the_noise_is_the_spread_over_seeds_as_a_share_of_the_error() -> None:
    # Two configs whose errors differ by a factor of e to the 0.2 between their two seeds.
    noise = measured([0.01, 0.01 * np.exp(0.2)], [0.05, 0.05 * np.exp(0.2)]).noise
    assert noise == pytest.approx(0.2 / np.sqrt(2))


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.05])
def test_which_values_differ_is_tukeys_test(scale: float) -> None:
    random = np.random.default_rng(0)
    logs = np.log(0.02) + scale * np.array([[0.0], [0.5], [1.0]]) + random.normal(0, 0.2, (3, 4))
    curve = response_curve(measured(*np.exp(logs)), "model.units", [(8, 0), (16, 1), (32, 2)])
    tukey = stats.tukey_hsd(*logs)
    for a in range(3):
        for b in range(a):
            assert curve.differ(a, b) == (tukey.pvalue[a, b] < 0.05)


def test_a_mean_has_its_standard_error_in_the_objectives_own_unit() -> None:
    curve = response_curve(THREE, "training.batch_size", [(28, 0), (64, 1), (256, 2)])
    assert curve.mean_V == pytest.approx([1 - 0.011, 1 - 0.011, 1 - 0.061 / 3])
    # A small spread of logarithms is the relative spread of the errors.
    relative = [np.std(e, ddof=1) / np.mean(e) for e in 1 - THREE.values_NR]
    pooled = np.sqrt(np.mean(np.square(relative)))
    assert curve.error_V[0] == pytest.approx(0.011 * pooled / np.sqrt(3), rel=0.02)


@pytest.mark.parametrize(
    ("chosen", "finding"),
    [
        (
            [0, 1, 2],
            "training.batch_size: 256 instead of 28 costs 0.93 points (± 0.14); 64 does as well as "
            "28, as far as these seeds tell.",
        ),
        (
            [2, 1, 0],
            "training.batch_size: 28 instead of 256 gains 0.93 points (± 0.14).",
        ),
    ],
)
def test_a_finding_says_what_a_value_costs_against_the_chosen_one(
    chosen: list[int], finding: str
) -> None:
    rows = Measurements("validation_accuracy", IMAGES, THREE.values_NR[chosen])
    places = {28: chosen.index(0), 64: chosen.index(1), 256: chosen.index(2)}
    curve = response_curve(rows, "training.batch_size", list(places.items()))
    assert curve.values[curve.chosen] == (28 if chosen[0] == 0 else 256)
    assert curve_finding(rows, curve) == finding


def test_luck_is_called_luck() -> None:
    curve = response_curve(THREE, "model.readout", [("mean", 0), ("max", 1)])
    assert not curve.is_significant
    assert curve_finding(THREE, curve) == (
        "model.readout: no difference between mean and max beyond luck (0.00 points seen)."
    )


def test_equal_networks_are_told_apart_once_in_twenty_studies() -> None:
    """Planted noise, 400 studies of six hyperparameters: 2,400 curves, and none has an effect."""
    random, told = np.random.default_rng(0), 0
    for _ in range(400):
        logs = np.log(0.02) + random.normal(0, 0.15, (21, 2))
        study = measured(*np.exp(logs))
        for k in range(6):
            rows = [0, *range(3 * k + 1, 3 * k + 4)]
            told += response_curve(
                study, "a", [(n, row) for n, row in enumerate(rows)]
            ).is_significant
    assert 0.03 < told / 2400 < 0.07


def test_a_failed_value_is_named_and_a_failed_choice_is_an_error() -> None:
    values = THREE.values_NR.copy()
    values[2] = np.nan
    values[1, 0] = np.nan
    rows = Measurements("validation_accuracy", IMAGES, values)
    curve = response_curve(rows, "training.learning_rate", [(0.1, 0), (0.2, 1), (9.0, 2)])
    assert curve.values == (0.1, 0.2)
    assert curve.log_error_V[1] / curve.log_error_V[0] == pytest.approx(np.sqrt(3 / 2))
    assert "every training with 9 failed" in curve_finding(rows, curve)
    with pytest.raises(TrainingError, match="all trainings of the chosen config ended without"):
        Measurements("validation_accuracy", IMAGES, values[[2, 0]])


def f_test(logs_LCR: np.ndarray) -> float:
    """P value of an interaction, by least squares: a mean a cell against rows and columns."""
    lines, columns, _ = np.indices(logs_LCR.shape)
    dummies = [
        *(lines.ravel() == k for k in range(logs_LCR.shape[0])),
        *(columns.ravel() == k for k in range(1, logs_LCR.shape[1])),
    ]
    x, y = np.column_stack(dummies).astype(float), logs_LCR.ravel()
    additive = np.sum((y - x @ np.linalg.lstsq(x, y)[0]) ** 2)
    within = np.sum((logs_LCR - logs_LCR.mean(axis=2, keepdims=True)) ** 2)
    more = (logs_LCR.shape[0] - 1) * (logs_LCR.shape[1] - 1)
    left = logs_LCR.size - logs_LCR.shape[0] * logs_LCR.shape[1]
    return float(stats.f.sf((additive - within) / more / (within / left), more, left))


@pytest.mark.parametrize("together", [0.0, 0.1, 0.5])
def test_an_interaction_is_what_least_squares_calls_one(together: float) -> None:
    random = np.random.default_rng(1)
    slopes = np.array([[0.0, 0.3, 0.6], [0.2, 0.5, 0.8]])
    slopes[1, 2] -= together
    logs_LCR = np.log(0.02) + slopes[:, :, None] + random.normal(0, 0.1, (2, 3, 4))
    study = measured(*np.exp(logs_LCR.reshape(6, 4)))
    pair = ("model.units", "training.learning_rate")
    found = interaction(study, pair, [8, 16, 32], [0.1, 0.2], [[0, 1, 2], [3, 4, 5]])
    assert found.p_value == pytest.approx(f_test(logs_LCR))
    says = interaction_finding(found)
    assert ("do not act together" in says) == (f_test(logs_LCR) > 0.05)


def test_an_interaction_names_the_best_value_of_one_for_each_of_the_other() -> None:
    study = measured([0.01, 0.0101], [0.02, 0.0201], [0.02, 0.0202], [0.01, 0.0101])
    pair = ("model.units", "training.batch_size")
    found = interaction(study, pair, [8, 16], [28, 64], [[0, 1], [2, 3]])
    assert interaction_finding(found) == (
        "model.units and training.batch_size act together (p < 0.001): by training.batch_size, the "
        "best model.units is 8 with 28 and 16 with 64."
    )
    holes = interaction(study, pair, [8, 16], [28, 64], [[0, 1], [None, 3]])
    assert holes.p_value is None
    assert np.isnan(holes.mean_LC[1, 0])


def test_every_value_is_in_the_table() -> None:
    text = values_csv(THREE, [{}, {"training.batch_size": 64}, {"model.readout": "mean"}], 4)
    table = pd.read_csv(io.StringIO(text))
    assert list(table["seed"]) == 3 * [4, 5, 6]
    assert list(table["training.batch_size"].dropna()) == 3 * [64]
    assert table["validation_accuracy"].to_numpy() == pytest.approx(THREE.values_NR.ravel())
