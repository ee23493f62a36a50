"""Texts that come from elsewhere are shown as texts: no markup, no control sequences."""

import io

import pytest
from rich.console import Console

from mnist_seq.errors import ConfigError, StoreError, TrainingError, in_one_line
from mnist_seq.records import EpochRecord, Trial, TrialOutcome
from mnist_seq.terminal import display
from mnist_seq.terminal.progress import Progress
from mnist_seq.terminal.summary import best_table, print_findings, print_summary
from tests.examples import config

HOSTILE = {
    "[/red]": "[/red]",
    "[bold]loud[/bold]": "[bold]loud[/bold]",
    "\x1b[31mred\x1b[0m\x07": "\\x1b[31mred\\x1b[0m\\x07",
    "\u202egnp.exe": "\\u202egnp.exe",
    "a\r\nb\u2028c": "a\\r\\nb\\u2028c",
    "\\[/]\\": "\\[/]\\",
    "क्‍ष 文 é 👩‍🔬": "क्‍ष 文 é 👩‍🔬",
}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the console prints."""
    text = io.StringIO()
    for module in ("display", "summary"):
        console = Console(file=text, highlight=False, width=200)
        monkeypatch.setattr(f"mnist_seq.terminal.{module}.console", console)
    return text


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items())
def test_a_text_is_printed_as_it_is(text: str, shown: str, written: io.StringIO) -> None:
    display.say(text)
    display.console.print(f"[bold]{display.plain(text)}[/] after", soft_wrap=True)
    print_findings([text])
    assert written.getvalue().splitlines() == [shown, f"{shown} after", f"- {shown}"]


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items())
def test_a_trials_texts_are_printed_as_they_are(
    text: str, shown: str, written: io.StringIO
) -> None:
    progress = Progress(2, "validation_accuracy")
    best = EpochRecord(1, 1.0, 0.5, 1.0, 0.5, 0.001, 1.0, 1.0)
    log = display.LogDisplay(progress)
    trial = Trial(0, config(), {"data.train_file": text})
    failed = Trial(1, config(), {}), TrialOutcome("failed", (best,), best, None, f"{text}: no")
    for callback in (progress, log):
        callback.on_trial_start(trial)
        callback.on_epoch_end(trial, best)
        callback.on_trial_end(trial, TrialOutcome("complete", (best,), best))
        callback.on_trial_end(*failed)
        callback.on_message(text)
    display.console.print(display.LiveDisplay(progress))
    display.console.print(best_table(progress))
    print_summary(progress)
    lines = written.getvalue().splitlines()
    assert any(line.endswith(f"starts: train_file={shown}") for line in lines)
    assert any(line.endswith(f"{shown}: no") for line in lines)
    assert f"failed, {shown}: trial 1" in lines
    assert sum(shown in line for line in lines) >= 6


@pytest.mark.parametrize("kind", [ConfigError, StoreError, TrainingError])
@pytest.mark.parametrize(("text", "shown"), HOSTILE.items())
def test_an_error_is_one_line(kind: type[Exception], text: str, shown: str) -> None:
    assert str(kind(text)) == in_one_line(text) == shown
