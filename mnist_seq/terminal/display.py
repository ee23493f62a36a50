"""Progress display: a live table on a terminal, plain log lines elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import get_args

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mnist_seq.errors import in_one_line
from mnist_seq.records import Callback, EpochRecord, FinalState, Trial, TrialOutcome
from mnist_seq.terminal.progress import Progress, duration_text, settings_text


class _Terminal(Console):
    """Console that never treats a file as a terminal, even if FORCE_COLOR is set."""

    @property
    def is_terminal(self) -> bool:
        return self.file.isatty()

    def on_broken_pipe(self) -> None:
        """Leave it to the command, which ends quietly."""
        self.quiet = True
        raise  # the error that called this


console = _Terminal(highlight=False)


def say(line: str, style: str | None = None) -> None:
    """Print a line of text literally: nothing in it is read as markup or control codes."""
    console.print(in_one_line(line), style=style, markup=False, soft_wrap=True)


def plain(text: str) -> str:
    """Return a text that comes from elsewhere as a part of rich's markup."""
    return escape(in_one_line(text))


class LogDisplay(Callback):
    """Callback that prints a line for each trial start, epoch and trial end.

    In a notebook, where each line stays for good, it is a line for each trial.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._ends_alone = console.is_jupyter

    def on_trial_start(self, trial: Trial) -> None:
        if self._ends_alone:
            return
        self._print(
            f"trial {trial.number}: starts: {settings_text(trial.settings) or 'as configured'}"
        )

    def on_epoch_end(self, trial: Trial, record: EpochRecord) -> None:
        if self._ends_alone:
            return
        self._print(
            f"trial {trial.number}: epoch {record.epoch}/{trial.config.training.epochs}: "
            f"train {record.train_loss:.4f} {100 * record.train_accuracy:.2f} %, validation "
            f"{record.validation_loss:.4f} {100 * record.validation_accuracy:.2f} %, "
            f"{record.seconds:.1f} s"
        )

    def on_trial_end(self, trial: Trial, outcome: TrialOutcome) -> None:
        best = f", best {self._progress.value(outcome.best)}" if outcome.best else ""
        reason = f": {outcome.reason}" if outcome.reason else ""
        settings = (
            f", {settings_text(trial.settings)}" if self._ends_alone and trial.settings else ""
        )
        self._print(f"trial {trial.number}: {outcome.state}{best}{settings}{reason}")

    def on_message(self, text: str) -> None:
        self._print(text)

    def _print(self, line: str) -> None:
        elapsed = duration_text(self._progress.seconds)
        say(f"{elapsed}  {line}")


class LiveDisplay:
    """Live progress table, rendered by rich a few times per second.

    It fits the terminal: of more trials than it has lines for, the first are shown.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __rich_console__(self, terminal: Console, _options: ConsoleOptions) -> RenderResult:
        messages = self._messages()
        others = 5 + len(messages)  # totals, head of the table, what it leaves out, best, cursor
        shown = max(1, terminal.height - others)
        yield self._totals()
        yield self._running(shown)
        if len(self._progress.running) > shown:
            yield Text(f"and {len(self._progress.running) - shown} more", style="dim")
        yield self._best()
        yield from messages

    def _totals(self) -> RenderableType:
        progress = self._progress
        left = progress.seconds_left
        parts = [f"{progress.count(state)} {state}" for state in get_args(FinalState)]
        trains = any(record for _, record in progress.running.values())
        before = "training" if trains else "starting"
        line = Table.grid(padding=(0, 2))
        line.add_row(
            ProgressBar(total=progress.target, completed=len(progress.outcomes), width=30),
            f"[bold]{len(progress.outcomes)}{' of ' if progress.at_most else '/'}"
            f"{progress.target_text}[/] trials",
            f"[dim]{', '.join(part for part in parts if part[0] != '0') or before}[/]",
            f"{duration_text(progress.seconds)}"
            + (f" [dim]about {duration_text(left)} left[/]" if left else ""),
        )
        return line

    def _running(self, shown: int) -> RenderableType:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        widths = {"trial": 5, "epoch": 8, "": 12, "validation": 10, "train": 7}
        for name, width in widths.items():
            table.add_column(name, min_width=width, no_wrap=True)
        # On a narrow terminal it is the one column that may wrap that gives way; its text does not.
        table.add_column("settings")
        for number, (trial, record) in sorted(self._progress.running.items())[:shown]:
            epochs = trial.config.training.epochs
            done = record.epoch if record else 0
            settings = in_one_line(settings_text(trial.settings))
            table.add_row(
                str(number),
                f"{done}/{epochs}" if record else "starting",
                ProgressBar(total=epochs, completed=done, width=12),
                self._progress.value(record) if record else "",
                f"[dim]{100 * record.train_accuracy:.2f} %[/]" if record else "",
                Text(settings, style="dim", overflow="ellipsis", no_wrap=True),
            )
        return table

    def _best(self) -> RenderableType:
        if self._progress.best is None:
            return Text("")
        trial, record = self._progress.best
        gain = f"  [dim]{gain}[/]" if (gain := self._progress.gain()) else ""
        return Text.from_markup(
            f"best  [bold green]{self._progress.value(record)}[/] in trial {trial.number}{gain}"
        )

    def _messages(self) -> Sequence[RenderableType]:
        return [
            Text(in_one_line(message), style="yellow") for message in self._progress.messages[-3:]
        ]


@contextmanager
def open_display(progress: Progress) -> Iterator[list[Callback]]:
    """Context manager: callbacks that show a live table on a terminal, log lines elsewhere."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield [progress, LogDisplay(progress)]
        return
    with Live(LiveDisplay(progress), console=console, refresh_per_second=4, transient=True):
        yield [progress]
