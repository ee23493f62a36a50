"""The response model against scikit-learn's Gaussian process, and what its terms stand for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Kernel, Matern, WhiteKernel

from mnist_seq.report.analysis.response_model import Numbers, ResponseModel

GROUPS = [np.array([0]), np.array([1, 2])]


def observed(count: int, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    inputs = random.uniform(size=(count, 3))
    return inputs, np.sin(4 * inputs[:, 0]) + inputs[:, 1] + 0.05 * random.normal(size=count)


class OfColumns(Kernel):  # type: ignore[misc]  # scikit-learn has no types
    """Another kernel, of some columns of the input only."""

    def __init__(self, kernel: Any, columns: Sequence[int]) -> None:
        self.kernel, self.columns = kernel, columns

    def __call__(self, X: Numbers, Y: Numbers | None = None) -> Any:
        return self.kernel(X[:, self.columns], None if Y is None else Y[:, self.columns])

    def diag(self, X: Numbers) -> Any:
        return self.kernel.diag(X[:, self.columns])

    def is_stationary(self) -> bool:
        return True


def test_predictions_are_those_of_scikit_learn_with_the_same_kernel() -> None:
    random = np.random.default_rng(0)
    inputs, values = observed(30, random)
    # With one observation a trial, luck and noise are one.
    model = ResponseModel(inputs, values, np.arange(30), GROUPS)
    first, second, one, two, together, luck, noise = np.exp(model.logs)
    kernel = ConstantKernel(together**2) * Matern([first, second, second], nu=2.5)
    kernel += ConstantKernel(one**2) * OfColumns(Matern(first, nu=2.5), [0])
    kernel += ConstantKernel(two**2) * OfColumns(Matern(second, nu=2.5), [1, 2])
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


def test_what_nothing_depends_on_has_no_effect() -> None:
    inputs, values = observed(60, np.random.default_rng(1))
    groups = [np.array([0]), np.array([2])]
    model = ResponseModel(inputs, values, np.arange(60), groups)
    matters, does_not = np.exp(model.logs[2:4])
    assert does_not < matters / 3


def test_the_gradient_leads_to_the_most_probable_parameters() -> None:
    """Begun far away, the fit ends at the same place."""
    inputs, values = observed(40, np.random.default_rng(3))
    direct = ResponseModel(inputs, values, np.arange(40), GROUPS)
    elsewhere = ResponseModel(inputs[:5], values[:5], np.arange(5), GROUPS)
    points = np.random.default_rng(4).uniform(size=(20, 3))
    for _ in range(8):  # ten steps each
        elsewhere = ResponseModel(inputs, values, np.arange(40), GROUPS, elsewhere)
    assert elsewhere.mean(points) == pytest.approx(direct.mean(points), abs=0.01)


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


def test_an_effect_may_pass_as_the_training_goes_on() -> None:
    """Trials that were stopped early show a difference which whole trainings make up for."""
    random = np.random.default_rng(5)
    settings, epochs = random.uniform(size=30), np.linspace(0, 1, 6)
    inputs = np.array([(x, t) for x in settings for t in epochs])
    values = inputs[:, 0] * (1 - inputs[:, 1]) + 0.02 * random.normal(size=len(inputs))
    trials = np.repeat(np.arange(30), 6)
    seen = (inputs[:, 1] < 0.5) | (trials % 2 == 0)  # every other one is stopped
    model = ResponseModel(inputs[seen], values[seen], trials[seen], [np.array([0]), np.array([1])])
    early, late = (np.array([[0.1, t], [0.9, t]]) for t in (0.0, 1.0))
    assert np.diff(model.mean(early)) == pytest.approx(0.8, abs=0.05)
    assert np.diff(model.mean(late)) == pytest.approx(0.0, abs=0.05)
