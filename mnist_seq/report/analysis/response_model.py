"""A Gaussian process of the validation error over settings and progress of training.

It learns from every epoch of every trial: the logarithm of the best error so far is a sum of smooth
effects, one of each setting and one of how far the training had come, plus what they do together,
plus a constant of the trial's own (the luck of its seed and its validation images), plus noise. So
a pruned trial counts for what it showed, and not for what it would have become.
Shapes: N observations, C coordinates, D groups of coordinates with one length and one effect each,
G averages of P points.

References
----------
Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006): eqs. 2.25, 2.26 for the
predictions, 5.9 for the gradient of the likelihood, 4.17 for the Matérn kernel.
Duvenaud et al., "Additive Gaussian Processes", NeurIPS 2011: with few observations, effects that
add up are found where a kernel over all coordinates at once finds nothing.
"""

import math

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Indices = NDArray[np.intp]

# The most probable values before anything was seen: of the lengths, and of the standard deviations
# of each effect, of what they do together, of luck and of noise. With twenty trials, likelihood
# alone would fit the noise.
LENGTH, EFFECT, TOGETHER, LUCK, NOISE = 1.0, 0.5, 0.3, 0.2, 0.1
PRIOR_DEVIATION = 1.0  # of their logarithms
LEAST_LENGTH, MOST_LENGTH = 0.1, 30.0
JITTER = 1e-8
MOST_STEPS, MOST_STEPS_FROM_A_START = 100, 10


class ResponseModel:
    """Gaussian process fitted to the learning curves of a study.

    Parameters
    ----------
    inputs_NC : float64, shape (N, C)
        Coordinates of the observations, of the order of 1.
    values_N : float64, shape (N,)
        What was observed there.
    trials_N : int, shape (N,)
        Which trial each observation is of.
    groups : list of int arrays
        The coordinates that share a length.
    start : ResponseModel, optional
        A model of similar data, to begin the fit from.

    Attributes
    ----------
    logs : float64, shape (2 D + 3,)
        Natural logarithms of the lengths, and of the standard deviations of the effects, of what
        they do together, of luck and of noise.
    """

    def __init__(
        self,
        inputs_NC: Numbers,
        values_N: Numbers,
        trials_N: Indices,
        groups: list[Indices],
        start: "ResponseModel | None" = None,
    ) -> None:
        self._inputs_NC, self._groups = inputs_NC, groups
        self._middle = float(values_N.mean())
        self._spread = float(values_N.std()) or 1.0
        self._scaled_N = (values_N - self._middle) / self._spread
        self._same_NN = (trials_N[:, None] == trials_N).astype(float)
        self.logs = self._fit(start)
        luck, noise = np.exp(self.logs[-2:])
        covariance_NN = self._covariance(inputs_NC, inputs_NC)
        self._factor = _cholesky(covariance_NN, luck**2 * self._same_NN, noise)
        self._weights_N = _solve(self._factor, self._scaled_N)

    @property
    def luck(self) -> float:
        """Standard deviation of the random offset that each trial has."""
        return self._spread * math.exp(self.logs[-2])

    def mean(self, inputs_PC: Numbers) -> Numbers:
        """Predicted values at P points, without any trial's luck."""
        return self._middle + self._spread * (
            self._covariance(inputs_PC, self._inputs_NC) @ self._weights_N
        )

    def averages(self, inputs_GPC: Numbers) -> tuple[Numbers, Numbers]:
        """Mean and covariance of the averages over P points each: shapes (G,) and (G, G)."""
        count, points, _ = inputs_GPC.shape
        flat = inputs_GPC.reshape(count * points, -1)
        known_GN = self._covariance(flat, self._inputs_NC).reshape(count, points, -1).mean(axis=1)
        prior_GG = np.empty((count, count))
        for g in range(count):
            rows = self._covariance(inputs_GPC[g], inputs_GPC[g:].reshape(-1, flat.shape[1]))
            prior_GG[g, g:] = rows.reshape(points, count - g, points).mean(axis=(0, 2))
            prior_GG[g:, g] = prior_GG[g, g:]
        covariance_GG = prior_GG - known_GN @ _solve(self._factor, known_GN.T)
        mean_G = self._middle + self._spread * (known_GN @ self._weights_N)
        return mean_G, self._spread**2 * covariance_GG

    def _covariance(self, left: Numbers, right: Numbers) -> Numbers:
        groups = len(self._groups)
        length_D, effect_D = np.exp(self.logs[:groups]), np.exp(self.logs[groups : 2 * groups])
        parts = [
            _distance(left[:, group], right[:, group]) / length**2
            for group, length in zip(self._groups, length_D, strict=True)
        ]
        covariance = np.exp(2 * self.logs[2 * groups]) * _matern(sum(parts))[0]
        for effect, part in zip(effect_D, parts, strict=True):
            covariance += effect**2 * _matern(part)[0]
        return np.asarray(covariance)

    def _fit(self, start: "ResponseModel | None") -> Numbers:
        """Return the most probable logarithms of all parameters."""
        from scipy.optimize import minimize

        groups = len(self._groups)
        expected = np.log([*[LENGTH] * groups, *[EFFECT] * groups, TOGETHER, LUCK, NOISE])
        bounds = [
            *[(math.log(LEAST_LENGTH), math.log(MOST_LENGTH))] * groups,
            *[(-5.0, 3.0)] * (groups + 3),
        ]
        squares = [_distance(self._inputs_NC[:, g], self._inputs_NC[:, g]) for g in self._groups]
        found = minimize(
            lambda logs: self._loss(logs, expected, squares),
            expected if start is None else start.logs,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": MOST_STEPS if start is None else MOST_STEPS_FROM_A_START},
        )
        return np.asarray(found.x)

    def _loss(
        self, logs: Numbers, expected: Numbers, squares: list[Numbers]
    ) -> tuple[float, Numbers]:
        """Negative log posterior density of the parameters, and its gradient."""
        groups = len(squares)
        length_D, effect_D = np.exp(logs[:groups]), np.exp(logs[groups : 2 * groups])
        together, luck, noise = np.exp(logs[2 * groups :])
        parts = [square / length**2 for square, length in zip(squares, length_D, strict=True)]
        alone = [_matern(part) for part in parts]
        all_NN, slope_NN = _matern(sum(parts))
        signal_NN = together**2 * all_NN
        for effect, (matern_NN, _) in zip(effect_D, alone, strict=True):
            signal_NN += effect**2 * matern_NN
        factor = _cholesky(signal_NN, luck**2 * self._same_NN, noise)
        weights_N = _solve(factor, self._scaled_N)
        pull_NN = _solve(factor, np.eye(len(weights_N))) - np.outer(weights_N, weights_N)
        by_length = [
            0.5 * np.vdot(pull_NN, (effect**2 * own_NN + together**2 * slope_NN) * part)
            for effect, (_, own_NN), part in zip(effect_D, alone, parts, strict=True)
        ]
        by_deviation = [
            *(e**2 * np.vdot(pull_NN, own) for e, (own, _) in zip(effect_D, alone, strict=True)),
            together**2 * np.vdot(pull_NN, all_NN),
            luck**2 * np.vdot(pull_NN, self._same_NN),
            noise**2 * np.trace(pull_NN),
        ]
        away = (logs - expected) / PRIOR_DEVIATION
        misfit = 0.5 * self._scaled_N @ weights_N + np.log(np.diag(factor)).sum()
        gradient = np.array([*by_length, *by_deviation]) + away / PRIOR_DEVIATION
        return float(misfit + 0.5 * away @ away), gradient


def _distance(left: Numbers, right: Numbers) -> Numbers:
    """Squared distances between two sets of points."""
    squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.asarray(np.maximum(squared, 0.0))


def _matern(squared: Numbers) -> tuple[Numbers, Numbers]:
    """Matérn kernel of order 5/2 of squared distances, and its slope.

    Returns
    -------
    tuple of float64, of the shape of `squared`
        The kernel, and what a group's part of the squared distance is multiplied by to give the
        derivative with respect to the logarithm of its length.
    """
    root = np.sqrt(5 * squared)
    decay = np.exp(-root)
    return (1 + root + root**2 / 3) * decay, 5 / 3 * (1 + root) * decay


def _cholesky(signal_NN: Numbers, luck_NN: Numbers, noise: float) -> Numbers:
    from scipy.linalg import cholesky

    covariance_NN = signal_NN + luck_NN
    covariance_NN[np.diag_indices_from(covariance_NN)] += noise**2 + JITTER
    return np.asarray(cholesky(covariance_NN, lower=True, overwrite_a=True, check_finite=False))


def _solve(factor: Numbers, right: Numbers) -> Numbers:
    from scipy.linalg import cho_solve

    return np.asarray(cho_solve((factor, True), right, check_finite=False))
