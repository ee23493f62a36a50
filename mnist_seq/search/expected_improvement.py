"""What a Gaussian process expects of trials: improvements, gains, chances to keep to a limit.

Each function is of arrays alone: rows of coordinates, and the results there.
"""

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnist_seq.metrics.pareto import pareto_front

if TYPE_CHECKING:
    from sklearn.gaussian_process import GaussianProcessRegressor

DRAWS = 4096  # of the results of the next trials
LEAST_ERROR = 1e-4  # zero has no logarithm
BEYOND = 0.1  # of the range of costs and results, to where a front's volume is measured
MARGIN = 1.5  # above the median, in the logarithm: beyond it all trials are equally bad

Numbers = NDArray[np.float64]


def log_errors(values: Numbers, maximize: bool) -> Numbers:
    """Logarithm of each trial's error or loss, clipped above the median plus `MARGIN`."""
    errors = 1 - values if maximize else values
    logarithms = np.log(np.maximum(errors, LEAST_ERROR))
    clipped: Numbers = np.minimum(logarithms, np.median(logarithms) + MARGIN)
    return clipped


def expected_improvement(
    known: Numbers,
    results: Numbers,
    running: Numbers,
    candidates: Numbers,
    feasible: NDArray[np.bool_] | None = None,
) -> Numbers:
    """Expected improvement of each candidate over the best result.

    Parameters
    ----------
    known, running, candidates : float64 arrays (trials, columns)
        Coordinates. Running trials are given the results predicted for them.
    results : float64 array (known trials,)
        The lower, the better.
    feasible : bool array (known trials,), optional
        Whose results count as the best; all where there is none.

    Returns
    -------
    float64 array (candidates,)
        In standard deviations of the results.

    References
    ----------
    Jones et al., "Efficient Global Optimization of Expensive Black-Box Functions", 1998, eq. 15;
    Ginsbourger et al., "Kriging Is Well-Suited to Parallelize Optimization", 2010, section 4.2.
    """
    model, scaled = _informed(known, results, running)
    best = scaled.min() if feasible is None or not feasible.any() else scaled[feasible].min()
    mean, deviation = model.predict(candidates, return_std=True)
    return _improvement(mean, deviation, best)


def expected_hypervolume_improvement(
    known: Numbers,
    results: Numbers,
    costs: Numbers,
    running: Numbers,
    candidates: Numbers,
    candidate_costs: Numbers,
    feasible: NDArray[np.bool_],
) -> Numbers:
    """Expected gain of the volume that the Pareto front dominates, for each candidate.

    Parameters
    ----------
    known, running, candidates : float64 arrays (trials, columns)
        Coordinates. Running trials are given the results predicted for them.
    results : float64 array (known trials,)
        The lower, the better.
    costs, candidate_costs : float64 arrays (trials, costs)
        The lower, the better; infinite for a candidate that cannot be trained.
    feasible : bool array (known trials,)
        Which may be on the front.

    Returns
    -------
    float64 array (candidates,)
        In standard deviations of the results, times the unit of each cost.
    """
    model, scaled = _informed(known, results, running)
    finite = np.vstack([costs, candidate_costs[np.isfinite(candidate_costs).all(axis=1)]])
    least, most = finite.min(axis=0), finite.max(axis=0)
    # Somewhat beyond what is known, so that the best of the costliest counts as well.
    most = np.where(most > least, most + BEYOND * (most - least), least + 1)
    worst = float(scaled.max() + BEYOND * np.ptp(scaled))
    mean, deviation = model.predict(candidates, return_std=True)
    front = pareto_front(costs[feasible], -scaled[feasible])
    known_front = costs[feasible][front], scaled[feasible][front]
    return gained_volume(mean, deviation, candidate_costs, *known_front, most, worst)


def _informed(
    known: Numbers, results: Numbers, running: Numbers
) -> tuple["GaussianProcessRegressor", Numbers]:
    """Return a model of known results and predicted running ones, and the known ones scaled."""
    model, scaled = _fitted(known, results)
    return (_believing(model, running) if len(running) else model), scaled


def gained_volume(
    mean: Numbers,
    deviation: Numbers,
    costs: Numbers,
    front_costs: Numbers,
    front_results: Numbers,
    most: Numbers,
    worst: float,
) -> Numbers:
    """Expected gain of the volume between a front and a worst point, from each candidate alone.

    Only a candidate's result is uncertain, and normal. So the gain is a sum over the boxes of costs
    between those of the front: the part of the box that costs no less than the candidate, times the
    expected improvement over the best result that is known at such costs.

    Parameters
    ----------
    mean, deviation : float64 arrays (candidates,)
        Of the results; the lower, the better.
    costs, front_costs : float64 arrays (candidates, costs), (front, costs)
    front_results : float64 array (front,)
    most : float64 array (costs,)
        With `worst`, the point up to which volume counts.

    References
    ----------
    Emmerich et al., "Hypervolume-Based Expected Improvement: Monotonicity Properties and Exact
    Computation", CEC 2011, section III: the sum over boxes, there for results alone.
    """
    edges = [
        np.unique([*front_costs[:, column], min(costs[:, column].min(), end), end])
        for column, end in enumerate(most)
    ]
    total = np.zeros(len(mean))
    for box in np.ndindex(*(len(edge) - 1 for edge in edges)):
        low = np.array([edge[place] for edge, place in zip(edges, box, strict=True)])
        high = np.array([edge[place + 1] for edge, place in zip(edges, box, strict=True)])
        best = min(front_results[np.all(front_costs <= low, axis=1)], default=worst)
        part = np.clip(high - np.maximum(costs, low), 0, None).prod(axis=1)
        total += part * _improvement(mean, deviation, best)
    return total


def _improvement(mean: Numbers, deviation: Numbers, best: float) -> Numbers:
    """Expected improvement over a result, of normal distributions."""
    from scipy.stats import norm

    gap = best - mean
    improvement: Numbers = gap * norm.cdf(gap / deviation) + deviation * norm.pdf(gap / deviation)
    return improvement


def expected_gain(
    known: Numbers,
    accuracies: Numbers,
    running: Numbers,
    candidates: Numbers,
    feasible: NDArray[np.bool_],
    chances: Numbers,
    count: int,
    rng: np.random.Generator,
) -> float:
    """Expected gain of the best accuracy from the next trials, by sampling their results.

    The candidates are chosen one after the other, each as if those before it had come to what is
    predicted of them; then their results are drawn together.

    Parameters
    ----------
    known, running, candidates : float64 arrays (trials, columns)
        Coordinates.
    accuracies : float64 array (known trials,)
        In [0, 1].
    feasible : bool array (known trials,)
        Whose accuracies count as the best.
    chances : float64 array (candidates,)
        Probability of each candidate to keep to the limits.
    count : int
        How many trials are next.

    References
    ----------
    Ginsbourger et al., "Kriging Is Well-Suited to Parallelize Optimization", 2010, sections 3.2
    (expected improvement of several points) and 4.2 (the choice of them).
    """
    results = log_errors(accuracies, maximize=True)
    model, scaled = _fitted(known, results)
    if len(running):
        model = _believing(model, running)
    best = scaled[feasible].min()
    believing, chosen = model, []
    for _ in range(count):
        mean, deviation = believing.predict(candidates, return_std=True)
        chosen.append(int(np.argmax(_improvement(mean, deviation, best) * chances)))
        believing = _believing(believing, candidates[chosen[-1:]])
    mean, covariance = model.predict(candidates[chosen], return_cov=True)
    drawn = rng.multivariate_normal(mean, covariance, DRAWS, method="eigh")
    is_kept = rng.random(drawn.shape) < chances[chosen]
    lowest = np.where(is_kept, np.minimum(drawn, best), best).min(axis=1)
    spread = results.std() or 1.0
    errors = np.exp(results.mean() + spread * np.append(lowest, best))
    return float(errors[-1] - errors[:-1].mean())


def predicted(known: Numbers, results: Numbers, candidates: Numbers) -> Numbers:
    """Each candidate's predicted result, in the unit of the known ones."""
    model, _ = _fitted(known, results)
    means: Numbers = results.mean() + (results.std() or 1.0) * model.predict(candidates)
    return means


def chance_below(known: Numbers, results: Numbers, limit: float, candidates: Numbers) -> Numbers:
    """Probability of each candidate's result to be at most `limit`, given known results.

    Parameters
    ----------
    known, candidates : float64 arrays (trials, columns)
        Coordinates.
    results : float64 array (known trials,)
        In the unit of `limit`.
    """
    from scipy.stats import norm

    model, _ = _fitted(known, results)
    mean, deviation = model.predict(candidates, return_std=True)
    scaled = (limit - results.mean()) / (results.std() or 1.0)
    chance: Numbers = norm.cdf((scaled - mean) / deviation)
    return chance


def _fitted(known: Numbers, results: Numbers) -> tuple["GaussianProcessRegressor", Numbers]:
    """Return a Gaussian process fitted to standardized results, and the standardized results."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    scaled = (results - results.mean()) / (results.std() or 1.0)
    # A setting's length: from a fifth of its range, where only neighbours are alike, to ten times,
    # where it does not matter. The noise: what the seed of the weights does to a result.
    kernel = Matern(np.ones(known.shape[1]), (0.2, 10), nu=2.5) + WhiteKernel(0.01, (1e-4, 0.3))
    with warnings.catch_warnings():
        # Said of a length or a noise that is at the end of its bounds.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianProcessRegressor(kernel).fit(known, scaled), scaled


def _believing(model: "GaussianProcessRegressor", points: Numbers) -> "GaussianProcessRegressor":
    """Return the model conditioned on its own predictions at some points, with the same kernel."""
    from sklearn.gaussian_process import GaussianProcessRegressor

    believed = np.concatenate([model.y_train_, model.predict(points)])
    known = np.concatenate([model.X_train_, points])
    return GaussianProcessRegressor(model.kernel_, optimizer=None).fit(known, believed)
