"""Progress of a running sweep: ended and running trials, best so far, time left."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

import pandas as pd

from mnist_seq.records import FinalState
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.tables import StudyTables


@dataclass(frozen=True, eq=False)
class SweepProgress:
    """A sweep at one moment.

    Attributes
    ----------
    tables : StudyTables
        The trials that have ended and those that run.
    target : int
        How many trials there shall be.
    seconds : float or None
        Since the sweep began, or went on after a stop; None if no sweep runs.
    epochs_since : int
        How many epochs have the trials that ended in that time, and those that run.
    timeout : float or None
        Seconds after which the sweep starts no trial.
    written : datetime
        When this was, in the reader's time zone.
    at_most : bool
        Whether there may be fewer trials than `target`, because the search ends by itself.
    """

    tables: StudyTables
    target: int
    seconds: float | None
    epochs_since: int
    timeout: float | None
    written: datetime
    at_most: bool = False

    @property
    def ended(self) -> int:
        return len(self.tables.trials) - self.tables.count("running")

    @property
    def ended_text(self) -> str:
        """How many trials have ended, of how many: ``4 of 20 trials have ended``."""
        target = f"{'at most ' * self.at_most}{wording.many(self.target, 'trial')}"
        have = "has" if 1 in {self.ended, self.target} else "have"
        return f"{self.ended:,} of {target} {have} ended"

    @property
    def epochs_a_trial(self) -> float:
        """Mean epochs of the ended trials; before any has ended, the planned number."""
        trials = self.tables.trials
        ended = trials[trials["state"] != "running"]
        return float((trials["planned_epochs"] if ended.empty else ended["epochs"]).mean())

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds left; None before the first epoch has ended.

        None as well where the search ends by itself. Trials that run are taken to go on to their
        end, and those to come to have `epochs_a_trial`, at the mean pace of all epochs since the
        sweep began or went on.
        """
        if self.seconds is None or self.epochs_since == 0 or self.at_most:
            return None
        running = self.tables.trials[self.tables.trials["state"] == "running"]
        to_come = max(self.target - self.ended - len(running), 0) * self.epochs_a_trial
        to_come += float((running["planned_epochs"] - running["epochs"]).sum())
        left = self.seconds / self.epochs_since * to_come
        return left if self.timeout is None else min(left, max(self.timeout - self.seconds, 0.0))

    def counted(self) -> str:
        """One sentence with the numbers of ended and of running trials."""
        kinds = {state: self.tables.count(state) for state in get_args(FinalState)}
        states = ", ".join(f"{count} {state}" for state, count in kinds.items() if count)
        running = self.tables.count("running")
        return (
            self.ended_text
            + (f": {states}" if states else "")
            + ("; none runs." if not running else f"; {running:,} run{'s' * (running == 1)}.")
        )

    def best(self) -> str:
        """One sentence on the best epoch of all trials so far, of those that run too."""
        trials = self.tables.trials
        counts = ~trials["state"].isin(["failed", "infeasible"])
        values = pd.to_numeric(trials["value"]).where(counts).dropna()
        if values.empty:
            return "No epoch has ended."
        in_order = values.sort_values(ascending=not self.tables.maximised, kind="stable")
        row = trials.loc[in_order.index].iloc[0]
        value = wording.value(self.tables.objective, float(row["value"]))
        epochs = f"epoch {int(row['best_epoch'])} of {int(row['planned_epochs'])}"
        return f"Best so far: {value} in trial {int(row['number'])} ({row['state']}), {epochs}."

    def left(self) -> str:
        """One sentence on the time left, and what it is estimated from."""
        if self.seconds is None:
            return "No sweep runs this study."
        if self.ended >= self.target:
            return "The sweep is about to end."
        if self.at_most:
            return "The sweep ends by itself, when more trials promise too little."
        if self.seconds_left is None:
            return "The time left is estimated once an epoch has ended."
        limit = "" if self.timeout is None else "; search.timeout may end it before"
        epochs = f"{self.epochs_a_trial:.3g}"
        return (
            f"About {wording.duration(self.seconds_left)} left, estimated from "
            f"{wording.many(self.epochs_since, 'epoch')} in the {wording.duration(self.seconds)} "
            "since the sweep began or went on, and a mean of "
            f"{epochs} {'epoch' if epochs == '1' else 'epochs'} a trial{limit}."
        )
