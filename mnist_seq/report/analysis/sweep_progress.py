"""How far a running sweep is: trials that have ended and run, the best so far, the time left."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

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
    ended_since : int
        How many trials have ended in that time.
    timeout : float or None
        Seconds after which the sweep starts no trial.
    written : datetime
        When this was, in the reader's time zone.
    """

    tables: StudyTables
    target: int
    seconds: float | None
    ended_since: int
    timeout: float | None
    written: datetime

    @property
    def ended(self) -> int:
        return len(self.tables.trials) - self.tables.count("running")

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds left, from the mean time in which a trial has ended; None before."""
        if self.seconds is None or self.ended_since == 0:
            return None
        left = self.seconds / self.ended_since * max(self.target - self.ended, 0)
        return left if self.timeout is None else min(left, max(self.timeout - self.seconds, 0.0))

    def counted(self) -> str:
        """One sentence on how many trials have ended and run."""
        kinds = {state: self.tables.count(state) for state in ("complete", "pruned", "failed")}
        states = ", ".join(f"{count} {state}" for state, count in kinds.items() if count)
        ended = f"{self.ended:,} of {wording.many(self.target, 'trial')} have ended"
        running = self.tables.count("running")
        return (
            ended
            + (f": {states}" if states else "")
            + ("; none runs." if not running else f"; {running:,} run{'s' * (running == 1)}.")
        )

    def best(self) -> str:
        """One sentence on the best epoch of all trials so far, of those that run too."""
        trials = self.tables.trials
        values = pd.to_numeric(trials["value"]).where(trials["state"] != "failed").dropna()
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
        if self.seconds_left is None:
            return "The time left is estimated once a trial has ended."
        limit = "" if self.timeout is None else "; search.timeout may end it before"
        return (
            f"About {wording.duration(self.seconds_left)} left, if the other "
            f"{self.target - self.ended:,} end at the pace of the "
            f"{wording.many(self.ended_since, 'trial')} that ended in the "
            f"{wording.duration(self.seconds)} since the sweep began or went on{limit}."
        )
