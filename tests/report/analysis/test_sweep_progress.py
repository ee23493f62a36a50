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
    rows = made.trials.assign(value=values, best_epoch=2, planned_epochs=9)
    return replace(made, trials=rows)


def progress(**changed: object) -> SweepProgress:
    usual = SweepProgress(
        tables(), target=20, seconds=60.0, ended_since=3, timeout=None, written=NOON
    )
    return replace(usual, **changed)  # type: ignore[arg-type]


def test_trials_are_counted_by_how_they_ended() -> None:
    assert progress().counted() == (
        "4 of 20 trials have ended: 2 complete, 1 pruned, 1 failed; 2 run."
    )


@pytest.mark.parametrize(
    ("objective", "value"), [("validation_accuracy", "70.00 %"), ("validation_loss", "0.3000")]
)
def test_the_best_so_far_may_run_and_has_not_failed(objective: str, value: str) -> None:
    said = progress(tables=tables(objective)).best()
    assert said == f"Best so far: {value} in trial 4 (running), epoch 2 of 9."


def test_the_others_are_taken_to_end_at_the_pace_of_this_session() -> None:
    # Three ended in 60 s, the fourth before: 20 s each for the 16 that have not ended.
    assert progress().seconds_left == 16 * 20
    assert "About 5 min left, if the other 16 end" in progress().left()


@pytest.mark.parametrize(("timeout", "left"), [(100.0, 40.0), (30.0, 0.0), (1e6, 320.0)])
def test_a_timeout_ends_it_before(timeout: float, left: float) -> None:
    assert progress(timeout=timeout).seconds_left == left


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ended_since": 0}, "The time left is estimated once a trial has ended."),
        ({"seconds": None}, "No sweep runs this study."),
        ({"target": 4}, "The sweep is about to end."),
    ],
)
def test_where_nothing_can_be_estimated_that_is_said(changed: dict[str, object], said: str) -> None:
    assert progress(**changed).left() == said
