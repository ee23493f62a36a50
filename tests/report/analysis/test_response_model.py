"""The response model against scikit-learn's Gaussian process, and what its terms stand for."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from mnist_seq.report.analysis.response_model import Numbers, ResponseModel

GROUPS = [np.array([0]), np.array([1, 2])]


def observed(count: int, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    inputs = random.uniform(size=(count, 3))
    return inputs, np.sin(4 * inputs[:, 0]) + inputs[:, 1] + 0.05 * random.normal(size=count)


def test_predictions_are_those_of_scikit_learn_with_the_same_kernel() -> None:
    random = np.random.default_rng(0)
    inputs, values = observed(30, random)
    # With one observation a trial, luck and noise are one.
    model = ResponseModel(inputs, values, np.arange(30), GROUPS)
    first, second, signal, luck, noise = np.exp(model.logs)
    kernel = ConstantKernel(signal**2) * Matern([first, second, second], nu=2.5)
    kernel += WhiteKernel(luck**2 + noise**2)
    scaled = (values - values.mean()) / values.std()
    theirs = GaussianProcessRegressor(kernel, optimizer=None).fit(inputs, scaled)
    points = random.uniform(size=(12, 3))
    mean, covariance = theirs.predict(points, return_cov=True)
    covariance -= (luck**2 + noise**2) * np.eye(12)  # theirs is of new observations
    assert model.mean(points) == pytest.approx(values.mean() + values.std() * mean, abs=1e-6)
    averaging = np.kron(np.eye(4), np.full(3, 1 / 3))  # of each three points
    averages, between = model.averages(points.reshape(4, 3, 3))
    assert averages == pytest.approx(averaging @ model.mean(points))
    expected = values.var() * averaging @ covariance @ averaging.T
    assert between == pytest.approx(expected, abs=1e-6)


def test_the_lengths_are_the_most_probable_ones() -> None:
    """A coordinate that nothing depends on gets a far longer length than one that matters."""
    inputs, values = observed(60, np.random.default_rng(1))
    groups = [np.array([0]), np.array([2])]
    matters, does_not = np.exp(ResponseModel(inputs, values, np.arange(60), groups).logs[:2])
    assert does_not > 3 * matters


def test_what_all_epochs_of_a_trial_share_is_its_luck() -> None:
    random = np.random.default_rng(2)
    inputs = np.repeat(random.uniform(size=(40, 1)), 5, axis=0)
    inputs = np.column_stack([inputs, np.tile(np.linspace(0, 1, 5), 40)])
    luck = np.repeat(0.3 * random.normal(size=40), 5)
    values = -inputs[:, 1] + luck
    model = ResponseModel(
        inputs, values, np.repeat(np.arange(40), 5), [np.array([0]), np.array([1])]
    )
    assert model.luck == pytest.approx(0.3, rel=0.25)
