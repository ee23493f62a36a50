"""Progress of a sweep: which trials run, which have ended, the best so far."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mnist_seq.config.settings import Objective, Scalar, scalar_text
from mnist_seq.records import (
    Callback,
    EpochRecord,
    FinalState,
    Trial,
    TrialOutcome,
    is_better,
)

COMPARED = {"complete", "pruned"}  # states of trials that the best is looked for among


@dataclass
class Progress(Callback):
    """Callback that tracks the progress of a sweep or of any other trainings.

    Attributes
    ----------
    target : int
        How many trials there shall be.
    objective : str
        By which they are compared.
    has_baseline : bool
        Whether trial 0 is the one that the others are compared with.
    at_most : bool
        Whether there may be fewer, because the search ends by itself.
    end : str or None
        Why it has ended, then.
    earlier : int
        How many trials had ended before this session.
    """

    target: int
    objective: Objective
    has_baseline: bool = True
    at_most: bool = False
    end: str | None = None
    began: float = field(default_factory=time.monotonic)
    running: dict[int, tuple[Trial, EpochRecord | None]] = field(default_factory=dict)
    outcomes: dict[int, tuple[Trial, TrialOutcome]] = field(default_factory=dict)
    best: tuple[Trial, EpochRecord] | None = None
    baseline: EpochRecord | None = None
    messages: list[str] = field(default_factory=list)
    earlier: int = 0
    _counts: Counter[str] = field(default_factory=Counter)

    def on_trial_start(self, trial: Trial) -> None:
        self.running[trial.number] = (trial, None)

    def on_epoch_end(self, trial: Trial, record: EpochRecord) -> None:
        self.running[trial.number] = (trial, record)
        is_baseline = self.has_baseline and trial.number == 0
        if is_baseline and (
            self.baseline is None or is_better(record, self.baseline, self.objective)
        ):
            self.baseline = record
        self._offer(trial, record)

    def on_trial_end(self, trial: Trial, outcome: TrialOutcome) -> None:
        self.running.pop(trial.number, None)
        if trial.number in self.outcomes:
            self._counts[self.outcomes[trial.number][1].state] -= 1
        # Without its network: of hundreds of trials that would be hundreds of megabytes.
        self.outcomes[trial.number] = (trial, replace(outcome, result=None))
        self._counts[outcome.state] += 1
        if self.has_baseline and trial.number == 0:
            self.baseline = outcome.best if outcome.state in COMPARED else None
        if self.best is not None and self.best[0].number == trial.number:
            self._look_for_best()
        elif outcome.best is not None and outcome.state in COMPARED:
            self._offer(trial, outcome.best)

    def on_trial_refused(self, trial: Trial, outcome: TrialOutcome) -> None:
        self.on_trial_end(trial, outcome)

    def _look_for_best(self) -> None:
        self.best = None
        ended = [(trial, outcome.best) for trial, outcome in self.compared()]
        for trial, record in [*ended, *self.running.values()]:
            if record is not None:
                self._offer(trial, record)

    def _offer(self, trial: Trial, record: EpochRecord) -> None:
        """Note an epoch if it is the best so far."""
        if self.best is None or is_better(record, self.best[1], self.objective):
            self.best = (trial, record)

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def restore(self, trial: Trial, outcome: TrialOutcome) -> None:
        """Add a trial that ended in an earlier session."""
        if outcome.best is not None and outcome.state in COMPARED:
            self.on_epoch_end(trial, outcome.best)
        self.on_trial_end(trial, outcome)
        self.earlier = len(self.outcomes)

    @property
    def seconds(self) -> float:
        """Seconds since this session began."""
        return time.monotonic() - self.began

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds left, from this session's mean time per trial; None if not known."""
        done = len(self.outcomes) - self.earlier
        if done <= 0 or self.at_most:
            return None
        return self.seconds / done * (self.target - len(self.outcomes))

    @property
    def target_text(self) -> str:
        """How many trials there shall be, as in ``20`` or ``at most 100``."""
        return f"at most {self.target}" if self.at_most else str(self.target)

    def count(self, state: str) -> int:
        """How many trials have ended in a state."""
        return self._counts[state]

    def value(self, record: EpochRecord) -> str:
        """Format an epoch's objective value: accuracy in percent, loss in nats."""
        return value_text(getattr(record, self.objective), self.objective)

    def gain(self) -> str:
        """Describe the best trial's gain over the baseline; empty if either is missing."""
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

    def compared(self) -> list[tuple[Trial, TrialOutcome]]:
        """Trials that have ended, none that failed or breaks a limit."""
        return [ended for ended in self.outcomes.values() if ended[1].state in COMPARED]

    def kinds(self, state: FinalState) -> dict[str, list[int]]:
        """Trial numbers of the failed or infeasible trials, by kind of failure or by limit."""
        kinds: dict[str, list[int]] = {}
        for number, (_, outcome) in sorted(self.outcomes.items()):
            if outcome.state == state:
                kinds.setdefault((outcome.reason or "").partition(":")[0], []).append(number)
        return kinds


def value_text(value: float, objective: Objective) -> str:
    """Format an objective's value: accuracy in percent, loss in nats."""
    return f"{100 * value:.2f} %" if objective == "validation_accuracy" else f"{value:.4f}"


def settings_text(values: Mapping[str, Scalar]) -> str:
    """Settings in one line, without their groups: ``units=64 learning_rate=0.00214``."""
    return " ".join(f"{p.rpartition('.')[2]}={scalar_text(v, 3)}" for p, v in values.items())


def duration_text(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any: ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
