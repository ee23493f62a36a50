"""A search that ends by itself: when, why, and the same after a restart."""

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Scalar, Values
from mnist_seq.config.validation import validate
from mnist_seq.data.load import training_data
from mnist_seq.errors import ConfigError
from mnist_seq.records import EpochRecord, FinalState, TrialOutcome
from mnist_seq.search.expected_improvement import expected_gain, log_errors
from mnist_seq.search.study_settings import study_name
from mnist_seq.search.trials import LEAST_COMPLETE, StudyTrials
from tests.examples import sweep_config
from tests.search.landscapes import opened, searching

RATE, DROPOUT = "training.learning_rate", "model.dropout"
CLIP_NORM = "training.clip_norm"
SPACE = {RATE: {"low": 1e-4, "high": 1e-2, "log": True}}
SEVERAL = {**SPACE, DROPOUT: {"low": 0.0, "high": 0.5}, CLIP_NORM: {"low": 1.0, "high": 2.0}}


def auto(sampler: str = "gp", **changes: object) -> SweepConfig:
    return searching(sampler, **({"trials": None, "space": SPACE, "baselines": []} | changes))


def accuracy(values: Values) -> float:
    """A hill: 97 % at a rate of 0.001, 91 % a power of ten away; in three settings a cone."""
    power = math.log10(_number(values[RATE]) / 0.001)
    if DROPOUT not in values:
        return 0.97 - 0.06 * power**2
    away = power / 2 + 0.3, 2 * _number(values[DROPOUT]) - 0.8, _number(values[CLIP_NORM]) - 1.3
    return 0.98 - 0.97 * min(1, math.hypot(*away))


def _number(value: Scalar) -> float:
    assert isinstance(value, float)
    return value


def gone_on(folder: Path, config: SweepConfig, most: int = 1000) -> tuple[int, str | None]:
    """Train until the search ends, or so many trials; return how many there are, and why."""
    study = opened(folder, config)
    trials = StudyTrials(study, config)
    for _ in range(most):
        trial = trials.next()
        if trial is None:
            break
        value = accuracy(trial.settings)
        best = EpochRecord(1, 1.0, 0.5, 1.0, value, 0.001, 1.0, 1.0)
        trials.report(trial, best, 1)
        trials.finish(trial, TrialOutcome("complete", (best,), best))
    return study.next_number, trials.end


@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_it_ends_when_nothing_is_left_to_gain_and_says_so(sampler: str, tmp_path: Path) -> None:
    count, why = gone_on(tmp_path, auto(sampler))
    assert LEAST_COMPLETE <= count <= 20
    # Digits have 144 images to choose by: at 97 %, their binomial standard error is 1.42 points.
    assert len(training_data(auto().data).validation) == 144
    assert why is not None
    assert why.startswith("the search has ended: 3 more trials are expected to gain 0.")
    assert why.endswith(" points; the validation images alone leave ± 1.42")


def test_with_more_images_to_choose_by_it_goes_on_for_longer(tmp_path: Path) -> None:
    few = auto(space=SEVERAL)
    mnist = {"data": sweep_config("data=mnist").data.model_dump()}
    many = SweepConfig.model_validate(few.model_dump() | mnist)
    assert len(training_data(many.data).validation) == 6000  # at 80 %: 0.52 points, not 3.33
    counts = []
    for config in (few, many):
        folder = tmp_path / config.data.source
        folder.mkdir()
        counts.append(gone_on(folder, config, most=30)[0])
    assert counts[0] < counts[1]


def test_killed_after_any_trial_it_ends_with_the_same(tmp_path: Path) -> None:
    (tmp_path / "once").mkdir()
    (tmp_path / "often").mkdir()
    once = gone_on(tmp_path / "once", auto())
    gone_on(tmp_path / "often", auto(), most=LEAST_COMPLETE - 2)
    for _ in range(LEAST_COMPLETE - 2, once[0]):
        gone_on(tmp_path / "often", auto(), most=1)
    assert gone_on(tmp_path / "often", auto()) == once


def test_it_goes_on_with_a_number_of_trials(tmp_path: Path) -> None:
    count, _ = gone_on(tmp_path, auto())
    more = searching("gp", trials=count + 3, space=SPACE, baselines=[])
    assert gone_on(tmp_path, more) == (count + 3, None)


def test_it_has_no_more_trials_than_allowed(tmp_path: Path) -> None:
    count, why = gone_on(tmp_path, auto(most_trials=4))
    assert (count, why) == (4, "the search has ended: search.most_trials is 4")


def test_the_gain_is_what_the_best_of_sampled_results_has_before_the_best_known() -> None:
    known = np.linspace(0, 1, 7)[:, None]
    accuracies = 0.9 - 0.3 * (known[:, 0] - 0.4) ** 2
    candidate = np.array([[0.41]])
    found = expected_gain(
        known, accuracies, np.empty((0, 1)), candidate, np.ones(7, bool), np.ones(1), 1,
        np.random.default_rng(0),
    )  # fmt: skip
    results = log_errors(accuracies, maximize=True)
    kernel = Matern([1], (0.2, 10), nu=2.5) + WhiteKernel(0.01, (1e-4, 0.3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianProcessRegressor(kernel)
        model.fit(known, (results - results.mean()) / results.std())
    drawn = model.sample_y(candidate, 100_000, random_state=1)[0]
    errors = np.exp(results.mean() + results.std() * drawn)
    gain = np.maximum((1 - accuracies).min() - errors, 0).mean()
    assert found == pytest.approx(gain, rel=0.05)
    assert 0 < found < 0.01


@pytest.mark.parametrize("sampler", ["random", "qmc", "grid"])
def test_a_sampler_that_does_not_aim_is_refused(sampler: str) -> None:
    whole = sweep_config("data=digits").model_dump()
    whole["search"] |= {"sampler": sampler, "trials": "auto"}
    with pytest.raises(ConfigError, match=r"^search\.trials=auto needs search\.sampler=gp or tpe"):
        validate(SweepConfig, whole)


def test_what_is_neither_auto_nor_a_number_is_refused() -> None:
    whole = sweep_config("data=digits").model_dump()
    whole["search"]["trials"] = "many"
    with pytest.raises(ConfigError, match=r"search\.trials: must be auto or a whole number"):
        validate(SweepConfig, whole)


def test_the_study_is_the_one_with_a_number_of_trials() -> None:
    assert study_name(sweep_config("search.trials=auto")) == study_name(sweep_config())


def test_trials_that_were_pruned_do_not_bring_the_end_nearer(tmp_path: Path) -> None:
    config = auto(most_trials=14)
    trials = StudyTrials(opened(tmp_path, config), config)
    for number in range(14):
        trial = trials.next()
        assert trial is not None
        best = EpochRecord(1, 1.0, 0.5, 1.0, 0.9, 0.001, 1.0, 1.0)
        trials.report(trial, best, 1)
        state: FinalState = "complete" if number < LEAST_COMPLETE - 1 else "pruned"
        trials.finish(trial, TrialOutcome(state, (best,), best))
    assert trials.end == "the search has ended: search.most_trials is 14"
