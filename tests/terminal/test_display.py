import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from mnist_seq.config.settings import Values
from mnist_seq.config.validation import with_values
from mnist_seq.records import EpochRecord, FinalState, TrainResult, Trial, TrialOutcome
from mnist_seq.terminal.display import LiveDisplay, LogDisplay, open_display
from mnist_seq.terminal.progress import Progress
from tests.examples import config

RECORD = EpochRecord(1, 0.1, 0.9, 0.1, 0.97, 0.001, 1.0, 100.0)


def test_progress_keeps_the_figures_of_a_trial_but_not_its_network() -> None:
    progress = Progress(1, "validation_accuracy")
    network = TrainResult((RECORD,), 1, 10, bytes(2**20))
    trial = Trial(0, with_values(config(), {}), {})
    progress.on_trial_end(trial, TrialOutcome("complete", (RECORD,), RECORD, network))
    ((_, kept),) = progress.outcomes.values()
    assert kept == TrialOutcome("complete", (RECORD,), RECORD, None)


@pytest.mark.parametrize("width", [80, 100, 130])
def test_on_a_narrow_terminal_the_settings_are_cut_and_say_so(width: int) -> None:
    values: Values = {f"model.setting_{number}": "a value" for number in range(9)}
    progress = Progress(1, "validation_accuracy")
    trial = Trial(0, with_values(config(), {}), values)
    progress.on_trial_start(trial)
    progress.on_epoch_end(trial, RECORD)
    terminal = Console(width=width)
    with terminal.capture() as captured:
        terminal.print(LiveDisplay(progress))
    (row,) = [line for line in captured.get().splitlines() if "setting_0" in line]
    assert "97.00 %" in row
    assert "90.00 %" in row
    assert row.rstrip().endswith("…")
    assert len(row) <= width


@pytest.mark.parametrize(("height", "shown"), [(24, 17), (12, 5), (80, 64)])
def test_with_more_trials_than_lines_the_best_and_the_messages_stay_on_the_screen(
    height: int, shown: int
) -> None:
    progress = Progress(100, "validation_accuracy")
    for number in range(64):
        trial = Trial(number, with_values(config(), {}), {"model.units": number})
        progress.on_trial_start(trial)
        progress.on_epoch_end(trial, replace(RECORD, validation_accuracy=0.9 + number / 1000))
    progress.on_message("a worker was lost")
    progress.on_message("and another")
    terminal = Console(width=100, height=height)
    with terminal.capture() as captured:
        terminal.print(LiveDisplay(progress))
    lines = captured.get().splitlines()
    assert len(lines) < height
    assert sum("units=" in line for line in lines) == shown
    assert (f"and {64 - shown} more" in lines) == (shown < 64)
    assert "96.30 % in trial 63" in captured.get()
    assert lines[-2:] == ["a worker was lost", "and another"]


def test_the_display_says_starting_until_an_epoch_is_over_and_training_until_a_trial_is() -> None:
    progress = Progress(1, "validation_accuracy")
    trial = Trial(0, with_values(config(), {}), {})
    terminal = Console(width=100)

    def first_line() -> str:
        with terminal.capture() as captured:
            terminal.print(LiveDisplay(progress))
        return captured.get().splitlines()[0]

    progress.on_trial_start(trial)
    assert "starting" in first_line()
    progress.on_epoch_end(trial, RECORD)
    assert "training" in first_line()
    progress.on_trial_end(trial, TrialOutcome("complete", (RECORD,), RECORD))
    assert "1 complete" in first_line()


@pytest.mark.parametrize(
    ("output", "term", "is_live"),
    [
        ("terminal", "xterm-256color", True),
        ("terminal", "dumb", False),
        ("terminal", "unknown", False),
        ("file", "xterm-256color", False),
        ("file", "dumb", False),
    ],
)
def test_only_a_terminal_that_can_move_its_cursor_gets_a_live_table(
    output: str, term: str, is_live: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("TERM", term)
    ours, theirs = os.openpty()
    path = tmp_path / "log"
    with os.fdopen(theirs, "w") if output == "terminal" else path.open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        progress = Progress(1, "validation_accuracy")
        with open_display(progress) as callbacks:
            assert any(isinstance(callback, LogDisplay) for callback in callbacks) != is_live
            for callback in callbacks:
                callback.on_message("said")
        monkeypatch.undo()
    written = os.read(ours, 65536) if output == "terminal" else path.read_bytes()
    assert (b"\x1b" in written) == is_live
    assert is_live or b"said" in written
    os.close(ours)


def test_a_trial_that_fails_after_a_good_epoch_is_not_the_best() -> None:
    progress = Progress(3, "validation_accuracy")
    good, better = replace(RECORD, validation_accuracy=0.98), replace(RECORD, epoch=2)
    better = replace(better, validation_accuracy=0.99)
    ends: list[tuple[int, EpochRecord, FinalState]] = [(1, good, "complete"), (2, better, "failed")]
    for number, record, state in ends:
        trial = Trial(number, with_values(config(), {}), {})
        progress.on_trial_start(trial)
        progress.on_epoch_end(trial, record)
        progress.on_trial_end(trial, TrialOutcome(state, (record,), record))
    assert progress.best is not None
    assert progress.best[0].number == 1
    resumed = Progress(3, "validation_accuracy")
    for ended in progress.outcomes.values():
        resumed.restore(*ended)
    assert resumed.best == progress.best


def test_the_best_of_a_trial_that_ends_counts_though_it_was_not_its_last_epoch() -> None:
    progress = Progress(4, "validation_accuracy")
    trials = [Trial(number, with_values(config(), {}), {}) for number in range(4)]
    lower, middle, low, high = (
        replace(RECORD, validation_accuracy=accuracy) for accuracy in (0.96, 0.97, 0.955, 0.98)
    )
    progress.on_epoch_end(trials[1], lower)
    progress.on_trial_end(trials[1], TrialOutcome("complete", (lower,), lower))
    for trial, record in ((trials[2], middle), (trials[2], low), (trials[3], high)):
        progress.on_epoch_end(trial, record)
    progress.on_trial_end(trials[3], TrialOutcome("failed", (high,), high))
    progress.on_trial_end(trials[2], TrialOutcome("complete", (middle, low), middle))
    assert progress.best == (trials[2], middle)


def test_an_ended_trial_counts_with_the_epoch_that_its_monitor_chose() -> None:
    progress = Progress(1, "validation_accuracy")
    chosen = replace(RECORD, epoch=2, validation_loss=0.05, validation_accuracy=0.96)
    trial = Trial(0, with_values(config(), {}), {})
    for record in (RECORD, chosen):
        progress.on_epoch_end(trial, record)
    progress.on_trial_end(trial, TrialOutcome("complete", (RECORD, chosen), chosen))
    assert progress.best == (trial, chosen)
    assert progress.baseline == chosen
