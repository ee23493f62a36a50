"""A study that is gone on with: what may change, what must not, and what is kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from mnist_seq.config.commands import SweepConfig
from mnist_seq.errors import ConfigError
from mnist_seq.records import EpochRecord, TrialOutcome
from mnist_seq.search.limits import within_size
from mnist_seq.search.storage import StudyStorage
from mnist_seq.search.study import Study
from mnist_seq.search.study_settings import study_name
from mnist_seq.search.trials import StudyTrials
from tests.examples import EARLIER_DEFAULTS, sweep_config
from tests.search.landscapes import opened


def searching(*overrides: str) -> SweepConfig:
    small = ["data=digits", "study=kept", "search.sampler=random", "search.pruner=none"]
    return sweep_config(*small, *overrides)


def record(epoch: int, accuracy: float) -> EpochRecord:
    return EpochRecord(epoch, 1.0, 0.5, 1.0, accuracy, 0.001, 1.0, 1.0)


def searched(folder: Path, config: SweepConfig) -> Study:
    """A study whose trials all end after one epoch."""
    study = opened(folder, config)
    trials = StudyTrials(study, config)
    while (trial := trials.next()) is not None:
        best = record(1, 0.5 + trial.number / 100)
        trials.report(trial, best, 1)
        trials.finish(trial, TrialOutcome("complete", (best,), best))
    return study


def settings_of(folder: Path) -> list[dict[str, Any]]:
    storage = StudyStorage(folder / "optuna.db")
    assert storage.open("kept")
    return [trial.settings for trial in storage.finished()]


def test_more_trials_go_on_with_the_same_numbers(tmp_path: Path) -> None:
    searched(tmp_path, searching("search.trials=3"))
    first = settings_of(tmp_path)
    searched(tmp_path, searching("search.trials=5"))
    assert settings_of(tmp_path)[:3] == first
    assert len(settings_of(tmp_path)) == 5


def test_a_widened_space_keeps_every_trial(tmp_path: Path) -> None:
    batches = "search.space.training.batch_size.choices"
    searched(tmp_path, searching("search.trials=6", f"{batches}=[28,64]"))
    before = settings_of(tmp_path)
    wider = searching("search.trials=8", f"{batches}=[28,64,128]")
    assert opened(tmp_path, wider).kept == (6, 6)
    searched(tmp_path, wider)
    assert settings_of(tmp_path)[:6] == before
    assert len(settings_of(tmp_path)) == 8


def test_a_narrowed_space_says_how_many_trials_lie_inside(tmp_path: Path) -> None:
    searched(tmp_path, searching("search.trials=8"))
    inside = sum(values["model.units"] <= 40 for values in settings_of(tmp_path))
    assert 0 < inside < 8
    narrower = searching("search.trials=8", "search.space.model.units.high=40")
    assert opened(tmp_path, narrower).kept == (inside, 8)
    assert opened(tmp_path, narrower).kept is None  # told once


def test_a_setting_searched_no_longer_keeps_the_trials_that_had_its_value(tmp_path: Path) -> None:
    searched(tmp_path, searching("search.trials=8"))
    same = sum(values["training.batch_size"] == 28 for values in settings_of(tmp_path))
    assert 0 < same < 8
    fixed = searching("~search.space.training.batch_size")
    assert fixed.training.batch_size == 28
    assert opened(tmp_path, fixed).kept == (same, 8)


def test_a_setting_that_only_the_baseline_had_is_known_of_it_when_it_is_searched(
    tmp_path: Path,
) -> None:
    fixed = searching("search.trials=2")
    assert (fixed.training.schedule, fixed.search.baselines[0]["training.schedule"]) == (
        "cosine",
        "constant",
    )
    searched(tmp_path, fixed)
    schedules = "+search.space.training.schedule.choices=[constant,cosine]"
    assert opened(tmp_path, searching("search.trials=2", schedules)).kept == (2, 2)
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    (newest,) = set(optuna.get_all_study_names(url)) - {"kept"}
    trials = optuna.load_study(study_name=newest, storage=url).get_trials()
    assert [trial.params["training.schedule"] for trial in trials] == ["constant", "cosine"]


def test_settings_that_shape_the_trials_may_not_change_under_the_same_name(tmp_path: Path) -> None:
    searched(tmp_path, searching("search.trials=1"))
    with pytest.raises(ConfigError) as refused:
        opened(tmp_path, searching("model.layers=2", "training.optimizer=sgd"))
    assert refused.value.problems == (
        "model.layers: study kept has 1, now it is 2; change it back, or name another study=...",
        "training.optimizer: study kept has adam, now it is sgd; "
        "change it back, or name another study=...",
    )
    free = searching("search.trials=9", "search.timeout=60", "workers.count=1", "search.retries=5")
    assert opened(tmp_path, free).next_number == 1


def test_files_may_move_within_a_study_and_its_space_is_the_same(tmp_path: Path) -> None:
    def at(place: str) -> SweepConfig:
        files = f"data.train_file={place}/a.csv", f"data.test_file={place}/b.csv"
        return searching("search.trials=2", "data=csv", *files)

    searched(tmp_path, at("/before"))
    moved = opened(tmp_path, at("/after"))
    assert (moved.next_number, moved.kept) == (2, None)
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    assert optuna.get_all_study_names(url) == ["kept"]
    stored = optuna.load_study(study_name="kept", storage=url).user_attrs["settings"]
    assert stored["data"]["train_file"] == "/after/a.csv"


def test_a_name_that_is_not_given_follows_from_what_shapes_the_search() -> None:
    def name(*overrides: str) -> str:
        return study_name(sweep_config("data=digits", *overrides))

    assert name() == name("search.trials=99", "workers.count=1", "search.timeout=5")
    assert name() != name("seed=1")
    assert name() != name("search.space.model.units.high=64")
    assert name().startswith("digits-")


def test_studies_keep_the_names_that_earlier_versions_gave_them() -> None:
    assert study_name(sweep_config(*EARLIER_DEFAULTS)) == "mnist-c95106"
    assert study_name(sweep_config("data=digits", *EARLIER_DEFAULTS)) == "digits-a4bde5"
    assert study_name(sweep_config("report=live")) == study_name(sweep_config())


def test_trials_that_all_fail_alike_end_the_search(tmp_path: Path) -> None:
    config = searching("search.trials=9", "search.max_failures=3")
    trials = StudyTrials(opened(tmp_path, config), config)
    failed = 0
    while (trial := trials.next()) is not None:
        trials.finish(trial, TrialOutcome("failed", (), None, None, f"ValueError: number {failed}"))
        failed += 1
    assert failed == 3
    assert trials.given_up is not None
    assert "ValueError: number 2" in trials.given_up


def test_one_success_means_that_failures_are_the_trials_own(tmp_path: Path) -> None:
    config = searching("search.trials=6", "search.max_failures=2")
    trials = StudyTrials(opened(tmp_path, config), config)
    for number in range(6):
        trial = trials.next()
        assert trial is not None
        best = record(1, 0.5)
        outcome = TrialOutcome("complete", (best,), best)
        if number:
            outcome = TrialOutcome("failed", (), None, None, "ValueError: again")
        else:
            trials.report(trial, best, 1)
        trials.finish(trial, outcome)
    assert trials.given_up is None


def test_trials_whose_settings_exclude_each_other_are_told_as_failed(tmp_path: Path) -> None:
    config = searching(
        *("search.trials=12", "search.baselines=[]", "~search.space"),
        *("model.return_sequences=true", "model.readout=mean"),
        "+search.space={model.return_sequences:{choices:[true,false]},"
        "model.readout:{choices:[mean,max]}}",
    )
    trials, told = StudyTrials(opened(tmp_path, config), config), []
    while (trial := trials.next()) is not None:
        trials.finish(trial, TrialOutcome("complete", (record(1, 0.5),), record(1, 0.5)))
        told += trials.pop_refused()
    told += trials.pop_refused()
    failed = [ended for ended in trials.finished() if ended[1].state == "failed"]
    assert [(t.number, o.reason) for t, o in told] == [(t.number, o.reason) for t, o in failed]
    assert 0 < len(told) < 12
    assert all(not trial.settings["model.return_sequences"] for trial, _ in told)
    assert all(str(o.reason).startswith("refused config: model.readout=") for _, o in told)


def test_a_refused_trial_that_was_not_ended_before_a_kill_is_ended_after_it(
    tmp_path: Path,
) -> None:
    config = searching(
        "search.trials=1",
        "search.baselines=[]",
        "model.return_sequences=true",
        "model.readout=mean",
        "~search.space",
        "+search.space={model.return_sequences:{choices:[false]},model.readout:{choices:[mean]}}",
    )
    opened(tmp_path, config).ask()
    study = opened(tmp_path, config)
    assert StudyTrials(study, config).next() is None
    (over,) = study.finished()
    assert over.state == "failed"
    assert str(over.reason).startswith("refused config: model.readout=mean")


@pytest.mark.parametrize("high", [0.35, 0.3])
def test_trials_at_the_end_of_a_range_with_steps_are_kept(tmp_path: Path, high: float) -> None:
    def stepped(top: float) -> SweepConfig:
        space = f"{{model.dropout:{{low:0,high:{top},step:0.1}}}}"
        return searching(
            "search.trials=12", "search.baselines=[]", "~search.space", f"+search.space={space}"
        )

    searched(tmp_path, stepped(0.5))
    inside = sum(float(values["model.dropout"]) < 0.31 for values in settings_of(tmp_path))
    assert any(0.29 < float(values["model.dropout"]) < 0.31 for values in settings_of(tmp_path))
    assert opened(tmp_path, stepped(high)).kept == (inside, 12)


def test_the_best_epoch_is_the_same_after_a_restart(tmp_path: Path) -> None:
    config = searching("search.trials=1", "training.monitor=validation_loss")
    trials = StudyTrials(opened(tmp_path, config), config)
    trial = trials.next()
    assert trial is not None
    records = tuple(
        replace(record(epoch, accuracy), validation_loss=loss)
        for epoch, accuracy, loss in ((1, 0.90, 0.1), (2, 0.95, 0.2))
    )
    trials.finish(trial, TrialOutcome("complete", records, records[0]))
    ((_, known),) = StudyTrials(opened(tmp_path, config), config).finished()
    assert known.best == records[0]


# --- what was best in an earlier study


def test_the_best_of_an_earlier_study_are_tried_first_and_kept_with_the_new_one(
    tmp_path: Path,
) -> None:
    searched(tmp_path, searching("search.trials=12"))  # each is better than the one before
    earlier = settings_of(tmp_path)[1:]  # the first is the baseline, as in the later study
    most = max(values["model.units"] for values in earlier[-3:]) - 1
    best = [values for values in reversed(earlier) if values["model.units"] <= most][:3]
    assert len(best) == 3
    assert best != earlier[:-4:-1], "one of them lies outside the space"
    narrow = f"search.space.model.units.high={most}"
    later = searching("search.trials=6", "search.start_from=kept", "study=later", narrow)
    assert opened(tmp_path, later).first == best
    optuna.delete_study(study_name="kept", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    tried = [trial.settings for trial in searched(tmp_path, later).finished()]
    assert tried[1:4] == best
    assert len(tried) == 6


def test_no_trial_of_an_earlier_study_is_tried_first_that_breaks_a_limit(tmp_path: Path) -> None:
    searched(tmp_path, searching("search.trials=6"))
    limited = ("search.start_from=kept", "study=later", "search.limits.parameters=5000")
    config = searching("search.trials=6", *limited)
    allowed = within_size(config.search.limits, config)
    assert allowed is not None
    free = searching("search.trials=6", "search.start_from=kept", "study=free")
    assert not all(map(allowed, opened(tmp_path, free).first))
    first = opened(tmp_path, config).first
    assert first
    assert all(map(allowed, first))


def test_a_best_value_at_the_end_of_decimal_steps_is_tried_first_and_kept(tmp_path: Path) -> None:
    def stepped(high: float, *more: str) -> SweepConfig:
        space = f"+search.space={{model.dropout:{{low:0,high:{high},step:0.1}}}}"
        return searching("~search.space", space, "search.baselines=[]", *more)

    count = 0
    while count == 0 or settings_of(tmp_path)[-1] != {"model.dropout": 0.1 * 3}:
        count += 1  # each is better than the one before
        searched(tmp_path, stepped(0.5, f"search.trials={count}"))
    later = stepped(0.3, "search.trials=4", "search.start_from=kept", "study=later")
    assert searched(tmp_path, later).finished()[0].settings == {"model.dropout": 0.3}
    assert opened(tmp_path, later).next_number == 4


def test_what_others_enqueue_a_little_beyond_the_end_of_a_range_is_kept(tmp_path: Path) -> None:
    space = "+search.space={model.dropout:{low:0,high:0.3,step:0.1}}"
    config = searching("~search.space", space, "search.baselines=[]", "search.trials=3")
    opened(tmp_path, config)
    database = f"sqlite:///{tmp_path / 'optuna.db'}"
    optuna.load_study(study_name="kept", storage=database).enqueue_trial({"model.dropout": 0.1 * 3})
    assert searched(tmp_path, config).finished()[0].settings == {"model.dropout": 0.3}
    assert opened(tmp_path, config).next_number == 3


@pytest.mark.parametrize("high", [0.3, 0.35])
def test_a_grid_of_decimal_steps_is_gone_on_with_after_its_last_point(
    high: float, tmp_path: Path
) -> None:
    space = f"+search.space={{model.dropout:{{low:0,high:{high},step:0.1}}}}"
    config = searching("search.sampler=grid", "search.baselines=[]", "~search.space", space)
    searched(tmp_path, config)
    study = opened(tmp_path, config)
    assert study.ask() is None
    dropouts = [done.settings["model.dropout"] for done in study.finished()]
    assert dropouts == pytest.approx([0, 0.1, 0.2, 0.3])
    assert dropouts[-1] == 0.3, "three steps of 0.1 are more, which Optuna's range has not"


def test_a_study_that_is_not_there_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"search\.start_from: lost is no study in mlruns"):
        opened(tmp_path, searching("search.start_from=lost"))
