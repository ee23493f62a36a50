"""Limits of size and time: what is suggested within them, and what becomes of trials beyond."""

from pathlib import Path

import numpy as np
import pytest

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.search import Limits
from mnist_seq.config.settings import Config
from mnist_seq.records import EpochRecord, TrialOutcome
from mnist_seq.search.expected_improvement import chance_below
from mnist_seq.search.limits import trained_parameters
from mnist_seq.search.study_settings import fixed_settings, study_name
from mnist_seq.search.trials import INFEASIBLE_AT_FIRST, StudyTrials
from tests.examples import sweep_config
from tests.search.landscapes import landscape, opened, searching, stored

MOST = 20_000
SECONDS = 0.5


def record(accuracy: float, seconds: float) -> EpochRecord:
    return EpochRecord(1, 1.0, 0.5, 1.0, accuracy, 0.001, seconds, 1.0)


def seconds_of(config: Config) -> float:
    """A planted time: an epoch takes as long as the network is wide."""
    return config.model.units / 100


def limited(sampler: str, **limits: float) -> SweepConfig:
    return searching(sampler, limits=limits, baselines=[], trials=30)


def gone_on(folder: Path, config: SweepConfig, most: int) -> list[TrialOutcome]:
    """Outcomes of the next trials, which are ended as the driver ends them."""
    trials = StudyTrials(opened(folder, config), config)
    outcomes: list[TrialOutcome] = []
    while len(outcomes) < most and (trial := trials.next()) is not None:
        records: tuple[EpochRecord, ...] = ()
        reason = trials.broken_limit(trial, records)
        if reason is None:
            records = (record(landscape(trial.settings), seconds_of(trial.config)),)
            reason = trials.broken_limit(trial, records)
        best = records[0] if records else None
        outcome = TrialOutcome("infeasible" if reason else "complete", records, best, None, reason)
        if best is not None and reason is None:
            trials.report(trial, best, 1)
        trials.finish(trial, outcome)
        outcomes.append(outcome)
    return outcomes


def widths(folder: Path, config: SweepConfig) -> list[int]:
    finished = StudyTrials(opened(folder, config), config).finished()
    return [trial.config.model.units for trial, _ in finished]


@pytest.mark.parametrize("sampler", ["gp", "tpe", "random", "qmc"])
def test_no_larger_network_is_suggested(sampler: str, tmp_path: Path) -> None:
    config = limited(sampler, parameters=MOST)
    assert {outcome.state for outcome in gone_on(tmp_path, config, 12)} == {"complete"}
    finished = StudyTrials(opened(tmp_path, config), config).finished()
    assert all(trained_parameters(trial.config) <= MOST for trial, _ in finished)
    assert len({str(trial.settings) for trial, _ in finished}) > 8


@pytest.mark.slow
@pytest.mark.parametrize("limit", [{"parameters": MOST}, {"seconds_per_epoch": SECONDS}])
@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_a_study_that_is_opened_again_suggests_the_same(
    sampler: str, limit: dict[str, float], tmp_path: Path
) -> None:
    config = limited(sampler, **limit)
    found = []
    for name, steps in (("once", [9]), ("often", [5, 1, 1, 1, 1])):
        folder = tmp_path / name
        folder.mkdir()
        for step in steps:
            gone_on(folder, config, step)
        finished = StudyTrials(opened(folder, config), config).finished()
        found.append([(trial.settings, outcome.state) for trial, outcome in finished])
    assert found[0] == found[1]


def test_the_gaussian_process_learns_which_trials_take_too_long(tmp_path: Path) -> None:
    outcomes = gone_on(tmp_path, limited("gp", seconds_per_epoch=SECONDS), 30)
    too_long = [outcome.state == "infeasible" for outcome in outcomes]
    # By chance it would be 45 %: widths are drawn from 16 to 128, evenly in the logarithm.
    assert any(too_long)
    assert sum(too_long[-15:]) <= 3


def test_the_chance_to_keep_to_a_limit_is_the_share_of_sampled_functions() -> None:
    known = np.linspace(0, 1, 5)[:, None]
    results = 3 * known[:, 0]
    chance = chance_below(known, results, 1.5, np.array([[0.0], [0.5], [1.0]]))
    assert chance[0] > 0.99
    assert chance[1] == pytest.approx(0.5, abs=0.1)
    assert chance[2] < 0.01


def test_an_infeasible_trial_is_neither_bad_nor_failed(tmp_path: Path) -> None:
    config = limited("gp", seconds_per_epoch=SECONDS)
    gone_on(tmp_path, config, 12)
    study = opened(tmp_path, config)
    ended = {state: [t for t in study.finished() if t.state == state] for state in
             ("complete", "infeasible")}  # fmt: skip
    assert len(ended["complete"]) + len(ended["infeasible"]) == 12
    assert all(t.reason and t.reason.startswith("seconds_per_epoch: ") for t in ended["infeasible"])


def test_an_end_that_a_crash_kept_from_the_study_is_told_it_later(tmp_path: Path) -> None:
    config = limited("gp", seconds_per_epoch=SECONDS)
    trial = StudyTrials(opened(tmp_path, config), config).next()
    assert trial is not None
    slow = record(0.99, 2 * SECONDS)
    reason = "seconds_per_epoch: 1 (at most 0.5)"
    outcome = TrialOutcome("infeasible", (slow,), slow, None, reason)
    trials = StudyTrials(opened(tmp_path, config), config)
    assert [again.number for again in trials.recover({0: outcome})] == [0]
    (known,) = stored(tmp_path)
    assert known.intermediate_values == {}  # which no other trial is compared with
    ((_, found),) = StudyTrials(opened(tmp_path, config), config).finished()
    assert found == outcome


@pytest.mark.slow
def test_narrower_limits_leave_earlier_trials_out_and_wider_ones_try_them_again(
    tmp_path: Path,
) -> None:
    free = limited("random")
    gone_on(tmp_path, free, 8)
    units = widths(tmp_path, free)
    middle = sorted(units)[3] / 100
    narrow = limited("random", seconds_per_epoch=middle)
    states = [trial.state for trial in opened(tmp_path, narrow).finished()]
    assert states == ["infeasible" if width / 100 > middle else "complete" for width in units]
    assert [t.state for t in opened(tmp_path, free).finished()] == ["complete"] * 8
    outcomes = gone_on(tmp_path, narrow, 8)
    beyond = [8 + n for n, outcome in enumerate(outcomes) if outcome.state == "infeasible"]
    assert beyond
    study = opened(tmp_path, free)
    assert study.readmitted == beyond
    assert [suggestion.number for suggestion in study.resume()] == beyond
    assert opened(tmp_path, free).readmitted == []


@pytest.mark.slow
def test_a_search_that_finds_nothing_within_its_limits_ends(tmp_path: Path) -> None:
    config = limited("gp", parameters=100)
    outcomes = gone_on(tmp_path, config, 100)
    assert len(outcomes) == INFEASIBLE_AT_FIRST
    given_up = StudyTrials(opened(tmp_path, config), config).given_up
    assert given_up is not None
    assert given_up.startswith("search.limits: broken by all 20 trials, the last one parameters: ")


def test_a_study_without_limits_has_the_name_and_settings_that_it_had() -> None:
    config = sweep_config("data=digits")
    assert config.search.limits == Limits()
    assert "limits" not in fixed_settings(config)["search"]
    limited_too = sweep_config("data=digits", "search.limits.parameters=5000")
    assert study_name(limited_too) != study_name(config)


def test_the_size_by_hand() -> None:
    # Digits are 8 rows of 8 pixels, 10 classes. Four gates of 5 units: 8 + 5 weights and a bias.
    config = sweep_config("data=digits", "model.units=5")
    assert trained_parameters(config) == 4 * 5 * (8 + 5 + 1) + (5 + 1) * 10
