"""What is worth showing of trainings that run and ran, and in what words.

Fed by the same events as the record keeping; it decides nothing and waits for nothing.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.table import Table

from mnist_seq.config import Objective, Scalar
from mnist_seq.records import Ending, EpochRecord, is_better
from mnist_seq.roles import Trial

console = Console(highlight=False)


@dataclass
class Board:
    """All that is worth showing about trainings that run and ran.

    Attributes
    ----------
    target : int
        How many trials there shall be.
    objective : str
        By which they are compared.
    has_baseline : bool
        Whether trial 0 is the yardstick.
    """

    target: int
    objective: Objective
    has_baseline: bool = True
    began: float = field(default_factory=time.monotonic)
    running: dict[int, tuple[Trial, EpochRecord | None]] = field(default_factory=dict)
    endings: dict[int, tuple[Trial, Ending]] = field(default_factory=dict)
    best: tuple[Trial, EpochRecord] | None = None
    baseline: EpochRecord | None = None
    messages: list[str] = field(default_factory=list)
    earlier: int = 0  # trials that were over before this session
    _counts: Counter[str] = field(default_factory=Counter)

    def started(self, trial: Trial) -> None:
        self.running[trial.number] = (trial, None)

    def epoch(self, trial: Trial, record: EpochRecord) -> None:
        self.running[trial.number] = (trial, record)
        is_yardstick = self.has_baseline and trial.number == 0
        if is_yardstick and (
            self.baseline is None or is_better(record, self.baseline, self.objective)
        ):
            self.baseline = record
        if self.best is None or is_better(record, self.best[1], self.objective):
            self.best = (trial, record)

    def ended(self, trial: Trial, ending: Ending) -> None:
        self.running.pop(trial.number, None)
        if trial.number in self.endings:
            self._counts[self.endings[trial.number][1].state] -= 1
        # Without its network: of hundreds of trials that would be hundreds of megabytes.
        self.endings[trial.number] = (trial, replace(ending, result=None))
        self._counts[ending.state] += 1

    def message(self, text: str) -> None:
        self.messages.append(text)

    def recall(self, trial: Trial, ending: Ending) -> None:
        """Count in a trial of an earlier session."""
        if ending.best is not None:
            self.epoch(trial, ending.best)
        self.ended(trial, ending)
        self.earlier = len(self.endings)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def seconds_left(self) -> float | None:
        """As long for each trial to come as for each one done, or None before the first."""
        done = len(self.endings) - self.earlier
        return self.seconds / done * (self.target - len(self.endings)) if done > 0 else None

    def count(self, state: str) -> int:
        return self._counts[state]

    def value(self, record: EpochRecord) -> str:
        """The objective, as people read it: accuracy in percent, loss in nats."""
        if self.objective == "validation_accuracy":
            return f"{100 * record.validation_accuracy:.2f} %"
        return f"{record.validation_loss:.4f}"

    def gain(self) -> str:
        """How far the best is beyond the baseline."""
        if self.best is None or self.baseline is None:
            return ""
        if self.best[1] == self.baseline:
            return "the baseline"
        value, base = (
            float(getattr(record, self.objective)) for record in (self.best[1], self.baseline)
        )
        if self.objective == "validation_accuracy":
            return f"{100 * (value - base):+.2f} points against the baseline"
        return f"{value - base:+.4f} against the baseline"


def shown(values: Mapping[str, Scalar]) -> str:
    """Settings in one line, without their groups."""
    return " ".join(f"{path.rpartition('.')[2]}={number(value)}" for path, value in values.items())


def number(value: Scalar) -> str:
    """A setting as it is typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def best_table(board: Board, most: int = 5) -> Table:
    """The best trials, one a row."""
    rows = [(trial, ending.best) for trial, ending in board.endings.values() if ending.best]
    rows.sort(
        key=lambda row: getattr(row[1], board.objective),
        reverse=board.objective == "validation_accuracy",
    )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("trial", "validation", "best epoch", "settings"):
        table.add_column(name)
    for trial, record in rows[:most]:
        mark = " (baseline)" if trial.number == 0 and board.has_baseline else ""
        table.add_row(
            f"{trial.number}{mark}",
            board.value(record),
            f"{record.epoch}/{trial.config.training.epochs}",
            shown(trial.values),
        )
    return table


def failures(board: Board) -> dict[str, list[int]]:
    """Numbers of the failed trials, by the kind of their failure."""
    kinds: dict[str, list[int]] = {}
    for number, (_, ending) in sorted(board.endings.items()):
        if ending.state == "failed":
            kinds.setdefault((ending.reason or "").partition(":")[0], []).append(number)
    return kinds
