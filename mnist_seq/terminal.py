"""What the terminal shows while trainings run: a live board, or plain lines where there is none."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mnist_seq.display import Board, clock, console, shown
from mnist_seq.records import Ending, EpochRecord
from mnist_seq.roles import Trial


class LogDisplay:
    """One line for each trial that starts or ends, and for each epoch."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def started(self, trial: Trial) -> None:
        self.board.started(trial)
        self._print(f"trial {trial.number}: starts: {shown(trial.values) or 'as configured'}")

    def epoch(self, trial: Trial, record: EpochRecord) -> None:
        self.board.epoch(trial, record)
        self._print(
            f"trial {trial.number}: epoch {record.epoch}/{trial.config.training.epochs}: "
            f"{_figures(record)}"
        )

    def ended(self, trial: Trial, ending: Ending) -> None:
        self.board.ended(trial, ending)
        best = f", best {self.board.value(ending.best)}" if ending.best else ""
        reason = f": {ending.reason}" if ending.reason else ""
        self._print(f"trial {trial.number}: {ending.state}{best}{reason}")

    def message(self, text: str) -> None:
        self.board.message(text)
        self._print(text)

    def _print(self, line: str) -> None:
        console.print(f"{clock(self.board.seconds)}  {line}", soft_wrap=True, markup=False)


class LiveDisplay:
    """A board that is drawn anew a few times a second."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.started, self.epoch, self.ended = board.started, board.epoch, board.ended
        self.message = board.message

    def __rich__(self) -> RenderableType:
        return Group(self._progress(), self._running(), self._best(), *self._messages())

    def _progress(self) -> RenderableType:
        board = self.board
        left = board.seconds_left
        parts = [f"{board.count(state)} {state}" for state in ("complete", "pruned", "failed")]
        trains = any(record for _, record in board.running.values())
        before = "training" if trains else "starting"
        line = Table.grid(padding=(0, 2))
        line.add_row(
            ProgressBar(total=board.target, completed=len(board.endings), width=30),
            f"[bold]{len(board.endings)}/{board.target}[/] trials",
            f"[dim]{', '.join(part for part in parts if part[0] != '0') or before}[/]",
            f"{clock(board.seconds)}" + (f" [dim]about {clock(left)} left[/]" if left else ""),
        )
        return line

    def _running(self) -> RenderableType:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        widths = {"trial": 5, "epoch": 8, "": 12, "validation": 10, "train": 7}
        for name, width in widths.items():
            table.add_column(name, min_width=width, no_wrap=True)
        # On a narrow terminal it is the one column that may wrap that gives way; its text does not.
        table.add_column("settings")
        for number, (trial, record) in sorted(self.board.running.items()):
            epochs = trial.config.training.epochs
            done = record.epoch if record else 0
            table.add_row(
                str(number),
                f"{done}/{epochs}" if record else "starting",
                ProgressBar(total=epochs, completed=done, width=12),
                self.board.value(record) if record else "",
                f"[dim]{100 * record.train_accuracy:.2f} %[/]" if record else "",
                Text(shown(trial.values), style="dim", overflow="ellipsis", no_wrap=True),
            )
        return table

    def _best(self) -> RenderableType:
        if self.board.best is None:
            return Text("")
        trial, record = self.board.best
        gain = f"  [dim]{gain}[/]" if (gain := self.board.gain()) else ""
        return Text.from_markup(
            f"best  [bold green]{self.board.value(record)}[/] in trial {trial.number}{gain}"
        )

    def _messages(self) -> Sequence[RenderableType]:
        return [Text(message, style="yellow") for message in self.board.messages[-3:]]


@contextmanager
def open_display(board: Board) -> Iterator[LogDisplay | LiveDisplay]:
    """A live board on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield LogDisplay(board)
        return
    display = LiveDisplay(board)
    with Live(display, console=console, refresh_per_second=4, transient=True):
        yield display


def _figures(record: EpochRecord) -> str:
    return (
        f"train {record.train_loss:.4f} {100 * record.train_accuracy:.2f} %, "
        f"validation {record.validation_loss:.4f} {100 * record.validation_accuracy:.2f} %, "
        f"{record.seconds:.1f} s"
    )
