"""What the page of a running sweep says, counted by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mnist_seq.report.analysis.sweep_progress import SweepProgress
from mnist_seq.report.analysis.tables import StudyTables
from tests.report.studies import study

STATES = ["complete", "pruned", "failed", "complete", "running", "running"]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def tables(objective: str = "validation_accuracy") -> StudyTables:
    """Six trials, the best of which runs still; that which failed had been better."""
    made = study(6, states=lambda n: STATES[n], objective=objective)  # type: ignore[arg-type]
    values = [0.5, 0.4, 0.99, 0.6, 0.7, 0.3]
    if objective == "validation_loss":
        values = [1 - value for value in values]
    rows = made.trials.assign(
        value=values, best_epoch=2, planned_epochs=9, epochs=[9, 3, 1, 9, 4, 2]
    )
    return replace(made, trials=rows)


def progress(**changed: object) -> SweepProgress:
    usual = SweepProgress(
        tables(), target=20, seconds=60.0, epochs_since=30, timeout=None, written=NOON
    )
    return replace(usual, **changed)  # type: ignore[arg-type]


def test_trials_are_counted_by_how_they_ended() -> None:
    assert progress().counted() == (
        "4 of 20 trials have ended: 2 complete, 1 pruned, 1 failed; 2 run."
    )


@pytest.mark.parametrize(
    ("states", "target", "said"),
    [
        (["complete"], 20, "1 of 20 trials has ended: 1 complete; none runs."),
        (["running"], 1, "0 of 1 trial has ended; 1 runs."),
        (["running"], 20, "0 of 20 trials have ended; 1 runs."),
    ],
)
def test_one_trial_has_ended_and_two_have(states: list[str], target: int, said: str) -> None:
    assert progress(tables=study(1, states=states), target=target).counted() == said


def test_a_mean_of_one_epoch_is_one() -> None:
    made = tables()
    rows = made.trials.assign(epochs=1)
    assert progress(tables=replace(made, trials=rows)).left().endswith("of 1 epoch a trial.")


@pytest.mark.parametrize(
    ("objective", "value"), [("validation_accuracy", "70.00 %"), ("validation_loss", "0.3000")]
)
def test_the_best_so_far_may_run_and_has_not_failed(objective: str, value: str) -> None:
    said = progress(tables=tables(objective)).best()
    assert said == f"Best so far: {value} in trial 4 (running), epoch 2 of 9."


# Those that run have 5 + 7 epochs to come, and 14 others 5.5 each: (9 + 3 + 1 + 9) / 4. An epoch
# takes 2 s, for there were 30 in a minute.
LEFT = 2 * (5 + 7 + 14 * 5.5)


def test_the_time_left_is_that_of_the_epochs_to_come() -> None:
    assert progress().seconds_left == LEFT == 178
    assert progress().left() == (
        "About 3 min left, estimated from 30 epochs in the 60 s since the sweep began or went on, "
        "and a mean of 5.5 epochs a trial."
    )


def test_before_a_trial_has_ended_the_others_are_taken_to_be_as_those_that_run() -> None:
    made = tables()
    running = replace(made, trials=made.trials[made.trials["state"] == "running"])
    assert progress(tables=running, epochs_since=6).seconds_left == 10 * (5 + 7 + 18 * 9)


@pytest.mark.parametrize(("timeout", "left"), [(100.0, 40.0), (30.0, 0.0), (1e6, LEFT)])
def test_a_timeout_ends_it_before(timeout: float, left: float) -> None:
    assert progress(timeout=timeout).seconds_left == left


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"epochs_since": 0}, "The time left is estimated once an epoch has ended."),
        ({"seconds": None}, "No sweep runs this study."),
        ({"target": 4}, "The sweep is about to end."),
    ],
)
def test_where_nothing_can_be_estimated_that_is_said(changed: dict[str, object], said: str) -> None:
    assert progress(**changed).left() == said
