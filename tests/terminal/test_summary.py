import shlex

import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.records import EpochRecord, Trial, TrialOutcome
from mnist_seq.terminal.display import console
from mnist_seq.terminal.progress import Progress
from mnist_seq.terminal.summary import (
    print_findings,
    print_greeting,
    print_next_commands,
    print_summary,
)
from tests.examples import config


@pytest.mark.parametrize(
    "folder", ["my runs", "it's", "a&b;c", "[/red]", "$HOME #1", "[bold]x", "ü (2)", "mlruns"]
)
def test_a_command_that_is_printed_can_be_typed(folder: str) -> None:
    with console.capture() as captured:
        print_next_commands(TrackingConfig(folder=folder), ("ui study=digits-1", "why"))
    words = shlex.split(captured.get(), comments=True)
    expected = ["python", "-m", "experiments.ui", "study=digits-1"]
    assert words == expected + ([] if folder == "mlruns" else [f"tracking.folder={folder}"])


@pytest.mark.parametrize("columns", ["0", "1", "17"])
def test_findings_are_printed_however_narrow_the_terminal(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with console.capture() as captured:
        print_findings(["a finding in some words"])
    assert captured.get().split()[:3] == ["-", "a", "finding"]


def test_totals_are_of_trials_that_have_ended_and_told_once_there_are_any() -> None:
    progress = Progress(2, "validation_accuracy", has_baseline=False)
    record = EpochRecord(1, 1.0, 0.5, 1.0, 0.5, 0.001, 63.0, 1.0)
    for number in (0, 1):
        progress.on_trial_start(Trial(number, config(), {}))
        progress.on_epoch_end(Trial(number, config(), {}), record)
    with console.capture() as captured:
        print_summary(progress)
    assert captured.get().split() == ["best", "50.00", "%", "in", "trial", "0"]
    progress.on_trial_end(Trial(0, config(), {}), TrialOutcome("complete", (record,), record))
    with console.capture() as captured:
        print_summary(progress)
    assert "1 epoch, 1:03 of training in" in captured.get()
    assert "1 trial complete, 0 pruned, 0 failed" in captured.get()


def test_totals_are_told_where_every_trial_has_failed() -> None:
    progress = Progress(1, "validation_accuracy")
    record = EpochRecord(1, 1.0, 0.5, 1.0, 0.5, 0.001, 63.0, 1.0)
    trial = Trial(0, config(), {})
    progress.on_epoch_end(trial, record)
    progress.on_trial_end(trial, TrialOutcome("failed", (record,), record, None, "hang: no epoch"))
    with console.capture() as captured:
        print_summary(progress)
    first, totals, _, failures = captured.get().splitlines()
    assert first == "no trial reached a value"
    assert totals.endswith("0 trials complete, 0 pruned, 1 failed")
    assert failures == "failed, hang: trial 0"


@pytest.mark.parametrize(
    ("target", "ended", "train", "said"),
    [
        (1, 0, 1, "tried: 1 trial on images, 1 image to train on, 17 to choose by"),
        (1, 1, 153, "it is done; search.trials=21 adds more"),
        (3, 1, 153, "1 of them is done; going on"),
        (3, 2, 153, "2 of them are done; going on"),
        (2, 2, 153, "all of them are done; search.trials=22 adds more"),
    ],
)
def test_a_greeting_counts_in_the_singular_where_there_is_one(
    target: int, ended: int, train: int, said: str
) -> None:
    progress = Progress(target, "validation_accuracy", has_baseline=False)
    for number in range(ended):
        progress.restore(Trial(number, config(), {}), TrialOutcome("failed", (), None))
    with console.capture() as captured:
        print_greeting("tried", "images", progress, train, 17, None)
    assert said in captured.get().splitlines()


@pytest.mark.parametrize(("inside", "verb"), [(1, "lies"), (2, "lie")])
def test_earlier_trials_inside_the_space_are_counted(inside: int, verb: str) -> None:
    with console.capture() as captured:
        print_greeting("tried", "images", Progress(9, "validation_accuracy"), 9, 9, (inside, 5))
    assert f"{inside} of 5 earlier trials {verb} inside it" in captured.get()
