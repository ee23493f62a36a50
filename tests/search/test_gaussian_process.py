"""Coordinates by hand, candidates that are drawn evenly, and how far they are expected to come."""

import math
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from scipy.stats import chisquare, kstest
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from mnist_seq.config.search import Choices, Dimension, Range
from mnist_seq.search.expected_improvement import expected_improvement, log_errors
from mnist_seq.search.gaussian_process import GaussianProcessSampler, SearchSpaceEncoder
from mnist_seq.search.samplers import GP_STARTUP_TRIALS, GP_TRIALS, build_sampler, distributions
from mnist_seq.search.space import Space
from tests.examples import EARLIER_DEFAULTS, sweep_config
from tests.search.landscapes import EPOCHS, asked, landscape, opened, searched, searching, trial

SPACE = sweep_config(*EARLIER_DEFAULTS).search.space
RATE = "training.learning_rate"


def encoder(space: Space) -> SearchSpaceEncoder:
    return SearchSpaceEncoder(space, distributions(space))


def drawn(path: str, dimension: Dimension, count: int = 3000) -> list[Any]:
    rng, box = np.random.default_rng(0), encoder({path: dimension})
    return [box.draw(rng)[path] for _ in range(count)]


# --- encoded settings


def test_a_row_by_hand() -> None:
    values = {
        "model.units": 32,  # one of the three doublings from 16 to 128
        "model.return_sequences": True,  # of true, false
        "model.readout": "max",  # of each_step, mean, max, flatten, attention
        "training.learning_rate": 0.001,  # halfway from 1e-4 to 1e-2, in the logarithm
        "training.batch_size": 128,  # of 28, 64, 128, 256
        "training.epochs": 10,  # from 3 to 10
    }
    (row,) = encoder(SPACE).encode([values])
    assert row == pytest.approx([1 / 3, 0.7, 0, 0.5, 2 / 3, 1, 0, 0, 0.7, 0, 0])
    values |= {"model.return_sequences": False}
    del values["model.readout"]  # which is then not active
    (row,) = encoder(SPACE).encode([values])
    assert row == pytest.approx([1 / 3, 0, 0.7, 0.5, 2 / 3, 1, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("dimension", "value", "places"),
    [
        (Choices(choices=[0.5, 0, 0.2]), 0.2, [0.5]),  # numbers are ranked, however they stand
        (Choices(choices=[None, 1.0]), None, [0.7, 0]),
        (Choices(choices=[8]), 8, [0.7]),
        (Range(low=5, high=5), 5, [0.5]),
        (Range(low=0, high=1, step=0.3), 0.9, [1]),  # the last point of four
    ],
)
def test_a_place_by_hand(dimension: Dimension, value: Any, places: list[float]) -> None:
    path = "training.clip_norm"
    (row,) = encoder({path: dimension}).encode([{path: value}])
    assert row == pytest.approx(places)


def test_candidates_are_spread_evenly() -> None:
    rates = drawn(RATE, Range(low=1e-4, high=1e-2, log=True))
    assert kstest(np.log10(rates), "uniform", (-4, 2)).pvalue > 0.01
    shares = drawn("model.dropout", Range(low=0.1, high=0.5))
    assert kstest(shares, "uniform", (0.1, 0.4)).pvalue > 0.01
    epochs = Counter(drawn("training.epochs", Range(low=3, high=10)))
    assert sorted(epochs) == list(range(3, 11))
    assert chisquare(list(epochs.values())).pvalue > 0.01
    stepped = Counter(drawn("model.dropout", Range(low=0, high=0.35, step=0.1)))
    assert sorted(stepped) == pytest.approx([0, 0.1, 0.2, 0.3])
    assert chisquare(list(stepped.values())).pvalue > 0.01
    units = drawn("model.units", Range(low=1, high=100, log=True))
    assert {type(value) for value in units} == {int}
    assert (min(units), max(units)) == (1, 100)
    ends = math.log(0.5), math.log(100.5)  # 1 stands for 0.5 to 1.5
    share = (math.log(1.5) - ends[0]) / (ends[1] - ends[0])
    assert units.count(1) / len(units) == pytest.approx(share, rel=0.1)


# --- what is modelled


def test_errors_by_hand() -> None:
    accuracies = np.array([0.99, 0.98, 0.96, 0.1, 1.0])
    median = math.log(0.02)
    assert log_errors(accuracies, maximize=True) == pytest.approx(
        [math.log(0.01), median, math.log(0.04), median + 1.5, math.log(1e-4)]
    )
    losses = np.array([0.3, 0.2, 9.0])
    assert log_errors(losses, maximize=False) == pytest.approx(
        [math.log(0.3), math.log(0.2), math.log(0.3) + 1.5]
    )


def test_what_is_expected_of_a_candidate_is_what_sampled_functions_do() -> None:
    rng = np.random.default_rng(0)
    over, candidates = rng.random((12, 2)), rng.random((20, 2))
    results = (over[:, 0] - 0.3) ** 2 + over[:, 1]
    kernel = Matern([1, 1], (0.2, 10), nu=2.5) + WhiteKernel(0.01, (1e-4, 0.3))
    scaled = (results - results.mean()) / results.std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianProcessRegressor(kernel).fit(over, scaled)
    samples = model.sample_y(candidates, 40_000, random_state=0)
    improvements = np.maximum(scaled.min() - samples, 0).mean(axis=1)
    found = expected_improvement(over, results, np.empty((0, 2)), candidates)
    assert found == pytest.approx(improvements, abs=0.005)
    assert found.max() > 0.05


def test_nothing_more_is_expected_where_a_trial_runs() -> None:
    over = np.linspace(0, 1, 6)[:, None]
    results = (over[:, 0] - 0.5) ** 2
    line = np.linspace(0, 1, 201)[:, None]
    alone = expected_improvement(over, results, np.empty((0, 1)), line)
    assert line[alone.argmax()] == pytest.approx(0.5, abs=0.1)
    there = line[[alone.argmax()]]
    beside = expected_improvement(over, results, there, line)
    assert beside[alone.argmax()] < alone.max() / 2


# --- the search


@pytest.mark.slow
def test_it_comes_closer_than_tpe(tmp_path: Path) -> None:
    def best(sampler: str, seed: int) -> float:
        folder = tmp_path / f"{sampler}{seed}"
        found = searched(folder, searching(sampler, seed=seed), 13, lambda _: False)
        return max(landscape(suggestion.settings) for suggestion in found)

    seeds = range(4)
    assert sum(best("gp", seed) for seed in seeds) > sum(best("tpe", seed) for seed in seeds)


def test_a_baseline_outside_the_space_does_not_keep_it_from_learning(tmp_path: Path) -> None:
    study = opened(tmp_path, searching("gp"))
    outside = asked(study, {"model.units": 7})
    study.report(outside.number, 1, 0.5)
    study.tell(outside.number, "complete", 0.5)
    for _ in range(24):
        trial(study, asked(study))
    assert landscape(asked(study).settings) > 0.93  # of at most 0.95; by chance it is 0.85


def test_it_learns_from_trials_that_run(tmp_path: Path) -> None:
    study = opened(tmp_path, searching("gp"))
    for _ in range(GP_STARTUP_TRIALS):
        trial(study, asked(study))
    for _ in range(20):
        running = asked(study)
        study.report(running.number, 1, landscape(running.settings))
    assert landscape(asked(study).settings) > 0.93  # of at most 0.95; by chance it is 0.85


def test_it_goes_on_beside_a_trial_whose_value_is_no_number(tmp_path: Path) -> None:
    study = opened(tmp_path, searching("gp"))
    for _ in range(GP_STARTUP_TRIALS):
        trial(study, asked(study))
    study.report(asked(study).number, 1, math.nan)
    asked(study)


def test_what_a_trial_came_to_before_it_failed_does_not_count(tmp_path: Path) -> None:
    suggestions = []
    for accuracy in (0.1, 0.999):
        folder = tmp_path / str(accuracy)
        folder.mkdir()
        study = opened(folder, searching("gp"))
        for _ in range(GP_STARTUP_TRIALS):
            trial(study, asked(study))
        failed = asked(study)
        study.report(failed.number, 1, accuracy)
        study.tell(failed.number, "failed", reason="not finite: the loss is nan")
        suggestions.append(asked(study).settings)
    assert suggestions[0] == suggestions[1]


def test_who_was_given_up_is_compared_with_others_after_as_many_epochs(tmp_path: Path) -> None:
    space = {RATE: {"low": 1e-4, "high": 1e-2, "log": True}}
    study = opened(tmp_path, searching("gp", space=space, baselines=[]))
    # From the first to the last epoch errors fall to a third. High rates have half the error of low
    # ones, after as many epochs, but only low ones were trained to the end.
    for rate in (1e-4, 2e-4, 4e-4):
        for epochs, accuracy in ((1, 0.7), (EPOCHS, 0.9)):
            low = asked(study, {RATE: rate * (1 + epochs / 100)})
            study.report(low.number, epochs, accuracy)
            is_whole = epochs == EPOCHS
            study.tell(
                low.number, "complete" if is_whole else "pruned", accuracy if is_whole else None
            )
    for rate in (2.5e-3, 4e-3, 6e-3, 9e-3):
        high = asked(study, {RATE: rate})
        study.report(high.number, 1, 0.85)
        study.tell(high.number, "pruned")
    assert 2.5e-3 < float(str(asked(study).settings[RATE])) < 9e-3


def test_what_is_active_only_by_a_value_from_outside_is_drawn() -> None:
    sampler = build_sampler(searching("gp").search, EPOCHS, 0, 0)
    study = optuna.create_study(sampler=sampler)
    assert isinstance(sampler, GaussianProcessSampler)
    rates = FloatDistribution(0.1, 0.2)
    value = sampler.sample_independent(study, study.ask().study.trials[0], "rate", rates)
    assert 0.1 <= float(str(value)) <= 0.2


def test_tpe_takes_over_when_there_are_many_trials() -> None:
    search = searching("gp").search
    few = build_sampler(search, EPOCHS, GP_TRIALS, GP_TRIALS - 1)
    assert isinstance(few, GaussianProcessSampler)
    many = build_sampler(search, EPOCHS, GP_TRIALS, GP_TRIALS)
    assert isinstance(many, optuna.samplers.TPESampler)
