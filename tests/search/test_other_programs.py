"""What other programs do to a study that runs: Optuna itself, beside it, in the same database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Values
from mnist_seq.errors import StoreError
from mnist_seq.records import EpochRecord, Trial, TrialOutcome
from mnist_seq.search.space import grid
from mnist_seq.search.storage import StudyStorage
from mnist_seq.search.study import Study
from mnist_seq.search.trials import StudyTrials
from tests.search.landscapes import INSIDE, asked, opened, searching, stored, trial

OTHER = {"model.units": 32, "training.batch_size": 64}


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'optuna.db'}"


def beside(folder: Path) -> optuna.Study:
    """The study as another program opens it."""
    return optuna.load_study(study_name="study", storage=url(folder))


def end(trials: StudyTrials, one: Trial) -> None:
    best = EpochRecord(1, 1.0, 0.5, 1.0, 0.5 + one.number / 100, 0.001, 1.0, 1.0)
    trials.report(one, best, 1)
    trials.finish(one, TrialOutcome("complete", (best,), best))


def started(
    folder: Path, warned: list[str], **changes: Any
) -> tuple[Study, StudyTrials, SweepConfig]:
    """A study of four trials of which one has ended and one runs."""
    config = searching(trials=4, **changes)
    opened(folder, config)
    study = Study(StudyStorage(folder / "optuna.db"), config, warned.append)
    trials = StudyTrials(study, config)
    first, second = trials.next(), trials.next()
    assert first is not None
    assert second is not None
    end(trials, first)
    return study, trials, config


@pytest.mark.parametrize("values", [INSIDE, OTHER, {}])
def test_an_enqueued_trial_is_tried_next_under_its_own_number(
    values: Values, tmp_path: Path
) -> None:
    warned: list[str] = []
    _, trials, config = started(tmp_path, warned)
    beside(tmp_path).enqueue_trial(values)
    number = beside(tmp_path).get_trials()[-1].number
    taken, after = trials.next(), trials.next()
    assert taken is not None
    assert after is not None
    assert (taken.number, after.number) == (number, number + 1) == (2, 3)
    assert values.items() <= taken.settings.items()
    assert after.settings != taken.settings
    for one in (after, taken):
        end(trials, one)
    assert trials.next() is None
    assert [one.state for one in stored(tmp_path)] == [
        TrialState.COMPLETE,
        TrialState.RUNNING,  # the second: it was not ended
        TrialState.COMPLETE,
        TrialState.COMPLETE,
    ]
    assert stored(tmp_path)[2].params == taken.settings
    assert stored(tmp_path)[3].params == after.settings
    again = StudyTrials(opened(tmp_path, config), config)
    assert [one.number for one, _ in again.finished()] == [0, 2, 3]
    assert warned == []


def test_a_grid_point_that_was_enqueued_is_not_tried_twice(tmp_path: Path) -> None:
    config = searching("grid")
    points = grid(config.search.space)
    study = opened(tmp_path, config)
    tried = [asked(study)]
    beside(tmp_path).enqueue_trial(points[1])
    tried += study.resume()
    while (suggestion := study.ask()) is not None:
        tried.append(suggestion)
    assert [suggestion.number for suggestion in tried] == list(range(len(points)))
    assert [suggestion.settings for suggestion in tried] == points


def test_trials_are_enqueued_after_the_last_one_as_well(tmp_path: Path) -> None:
    _, trials, _ = started(tmp_path, [])
    while (one := trials.next()) is not None:
        end(trials, one)
    for _ in range(2):
        beside(tmp_path).enqueue_trial(INSIDE)
    taken = [trials.next(), trials.next()]
    assert [one.number for one in taken if one] == [4, 5]
    assert trials.next() is None


def test_nothing_enqueued_takes_the_number_of_a_baseline(tmp_path: Path) -> None:
    baselines = [INSIDE | {"training.schedule": "constant"}, INSIDE | {"model.units": 60}]
    config = searching(trials=4, baselines=baselines)
    trials = StudyTrials(opened(tmp_path, config), config)
    beside(tmp_path).enqueue_trial(OTHER)
    first, second, third = (trials.next() for _ in range(3))
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.config.training.schedule == "constant"
    assert second.config.model.units == 60
    assert (third.number, third.config.model.units) == (2, 32)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"model.unts": 32}, "model.unts, which is not searched"),
        ({"\x1b[31m": 32}, "\\x1b[31m, which is not searched"),
        ({"model.units": 1_000_000}, "model.units=1000000, which lies outside search.space"),
        ({"model.units": "many"}, "model.units='many', which lies outside search.space"),
        ({"model.units": 32.5}, "model.units=32.5, which lies outside search.space"),
        ({"training.batch_size": [28]}, "training.batch_size=[28], which lies outside"),
    ],
)
def test_an_enqueued_trial_outside_the_space_fails_and_the_search_goes_on(
    values: dict[str, Any], found: str, tmp_path: Path
) -> None:
    warned: list[str] = []
    _, trials, config = started(tmp_path, warned)
    beside(tmp_path).enqueue_trial(values)
    after = trials.next()
    assert after is not None
    assert after.number == 3
    (line,) = warned
    assert line.startswith(f"trial 2: failed: refused config: it was enqueued with {found}")
    assert stored(tmp_path)[2].state == TrialState.FAIL
    assert stored(tmp_path)[3].params == after.settings
    assert opened(tmp_path, config).next_number == 4


def test_what_others_have_tried_is_learned_from_and_left_as_it_is(tmp_path: Path) -> None:
    warned: list[str] = []
    study, trials, config = started(tmp_path, warned, sampler="tpe")
    other = beside(tmp_path)
    known = other.get_trials()[0]
    other.add_trial(
        create_trial(
            value=0.875,
            params=known.params,
            distributions=known.distributions,
            intermediate_values={0: 0.5, 7: 0.875},
        )
    )
    other.add_trial(create_trial(value=0.25, user_attrs={"records": "none", "values": 3}))
    before = stored(tmp_path)[2:4]
    assert trials.next() is None, "the study has its four trials"
    assert study.next_number == 4
    assert stored(tmp_path)[2:4] == before
    finished = StudyTrials(opened(tmp_path, config), config).finished()
    assert [(one.number, outcome.state) for one, outcome in finished] == [
        (0, "complete"),
        (2, "complete"),
        (3, "complete"),
    ]


def test_a_trial_that_another_program_runs_is_not_taken_from_it(tmp_path: Path) -> None:
    _, trials, config = started(tmp_path, [])
    other = beside(tmp_path)
    theirs = other.ask()
    ours = trials.next()
    assert ours is not None
    assert (theirs.number, ours.number) == (2, 3)
    end(trials, ours)
    resumed = opened(tmp_path, config).resume()
    assert [one.number for one in resumed] == [1]
    other.tell(theirs, 0.5)
    assert stored(tmp_path)[2].value == 0.5


def test_a_trial_enqueued_in_the_very_moment_of_a_suggestion_shifts_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(tmp_path, searching())
    first = asked(study)
    whole = StudyStorage.add

    def add(self: StudyStorage, template: optuna.trial.FrozenTrial) -> int:
        monkeypatch.undo()
        beside(tmp_path).enqueue_trial(INSIDE)
        return whole(self, template)

    monkeypatch.setattr(StudyStorage, "add", add)
    late = asked(study)
    (enqueued,) = study.resume()
    assert (first.number, enqueued.number, late.number) == (0, 1, 2)
    for suggestion in (first, late, enqueued):
        trial(study, suggestion)
    assert [one.params for one in stored(tmp_path)] == [first.settings, INSIDE, late.settings]
    assert asked(study).number == 3


# --- studies of other programs


def of_another_program(folder: Path) -> None:
    study = optuna.create_study(study_name="study", storage=url(folder), direction="maximize")
    study.optimize(lambda one: one.suggest_float("x", 0, 1), n_trials=2)


def with_two_objectives(folder: Path) -> None:
    both = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
    optuna.create_study(study_name="study", storage=url(folder), directions=both)


def in_the_other_direction(folder: Path) -> None:
    optuna.create_study(study_name="study", storage=url(folder), direction="minimize")


def with_settings_of_its_own(folder: Path) -> None:
    study = optuna.create_study(study_name="study", storage=url(folder), direction="maximize")
    study.set_user_attr("settings", "fast")


@pytest.mark.parametrize(
    "make",
    [of_another_program, with_two_objectives, in_the_other_direction, with_settings_of_its_own],
)
def test_a_study_that_another_program_made_is_refused_and_left_as_it_is(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path)
    before = [vars(study) for study in optuna.get_all_study_summaries(url(tmp_path))]
    with pytest.raises(StoreError) as refused:
        opened(tmp_path, searching())
    assert str(refused.value) == (
        f"{tmp_path / 'optuna.db'}: study study is there and was made by another program; "
        "name another study=..."
    )
    assert [vars(study) for study in optuna.get_all_study_summaries(url(tmp_path))] == before


def test_a_study_that_a_crash_left_empty_is_gone_on_with(tmp_path: Path) -> None:
    optuna.create_study(study_name="study", storage=url(tmp_path), direction="maximize")
    assert asked(opened(tmp_path, searching())).number == 0


def test_a_study_whose_name_only_looks_like_a_copy_is_left_alone(tmp_path: Path) -> None:
    optuna.create_study(study_name="study space odyssey", storage=url(tmp_path))
    assert asked(opened(tmp_path, searching())).number == 0


def deleted(folder: Path) -> None:
    optuna.delete_study(study_name="study", storage=url(folder))


def ended(folder: Path) -> None:
    beside(folder).tell(0, state=TrialState.FAIL)


@pytest.mark.parametrize("meddle", [deleted, ended])
def test_a_study_meddled_with_while_it_runs_stops_in_one_line(
    meddle: Callable[[Path], None], tmp_path: Path
) -> None:
    study = opened(tmp_path, searching())
    suggestion = asked(study)
    meddle(tmp_path)
    with pytest.raises(StoreError, match="by another program"):
        trial(study, suggestion)
