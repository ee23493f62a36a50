"""A study as tables of trials and epochs: the input of every report."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from mnist_seq.config.search import Dimension
from mnist_seq.config.settings import Cost, Objective, Scalar
from mnist_seq.metrics.pareto import pareto_front

TRIAL_COLUMNS = (
    "number",
    "state",
    "value",
    "best_epoch",
    "epochs",
    "planned_epochs",
    "seconds",
    "parameters",
    "reason",
    "run_id",
    "finished",
    "is_baseline",
)
CURVE_COLUMNS = (
    "trial",
    "epoch",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
)
MORE_OF_AN_EPOCH = ("learning_rate", "seconds", "images_per_second")  # where they are known


def trials_table(rows: Sequence[Mapping[str, object]], paths: Sequence[str]) -> pd.DataFrame:
    """Build the table of trials from one mapping per trial."""
    return pd.DataFrame(rows, columns=[*TRIAL_COLUMNS, *paths])


def curves_table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Build the table of epochs from one mapping per epoch."""
    return pd.DataFrame(rows, columns=[*CURVE_COLUMNS, *MORE_OF_AN_EPOCH])


@dataclass(frozen=True)
class TrialSummary:
    """One trial with a value; `accuracy` is the validation accuracy of its best epoch, if known."""

    number: int
    state: str
    value: float
    accuracy: float | None
    best_epoch: int | None
    epochs: int | None
    seconds: float | None
    parameters: int | None
    settings: dict[str, Scalar]


@dataclass(frozen=True, eq=False)
class StudyTables:
    """A study's trials and learning curves as two tables, with its metadata.

    Attributes
    ----------
    objective : str
        ``validation_accuracy`` is maximised, ``validation_loss`` minimised.
    space : dict of str to Range or Choices
        The searched paths.
    trials : DataFrame
        One row a trial, with `TRIAL_COLUMNS` and one column for each searched path. `state` is
        complete, pruned, infeasible, failed or running; `value` is the objective at `best_epoch`,
        NaN if there is none; `epochs` were trained of `planned_epochs`; `seconds` is training time;
        `finished` is in seconds since the sweep began; `reason` is the text of a failure or of the
        limit that was broken. A path is missing where it is not active.
    curves : DataFrame
        One row an epoch of a trial, with `CURVE_COLUMNS`; epochs count from 1.
    validation_images : int
        How many images each validation accuracy was measured on.
    command : str
        The command line of the sweep.
    facts : dict
        What else is needed to do it again: versions, seed, data digest, commit.
    unsearched : tuple of str
        Paths that are not searched and yet differ between trials, because a baseline fixes them;
        `trials` has a column for each of them, too.
    fixed : dict
        All other settings of a training, by path: every trial has them.
    costs : tuple of str
        The aims beside the objective, which are minimised.

    Raises
    ------
    ValueError
        If a table lacks a column.
    """

    name: str
    objective: Objective
    space: dict[str, Dimension]
    trials: pd.DataFrame
    curves: pd.DataFrame
    validation_images: int
    command: str
    facts: dict[str, str]
    unsearched: tuple[str, ...] = ()
    fixed: dict[str, Scalar] = field(default_factory=dict)
    costs: tuple[Cost, ...] = ()

    def __post_init__(self) -> None:
        needed = (*TRIAL_COLUMNS, *self.space, *self.unsearched)
        absent = [name for name in needed if name not in self.trials]
        absent += [name for name in CURVE_COLUMNS if name not in self.curves]
        if absent:
            raise ValueError(f"the tables lack the columns {', '.join(absent)}")

    @property
    def maximised(self) -> bool:
        return self.objective == "validation_accuracy"

    @cached_property
    def scored(self) -> pd.DataFrame:
        """Complete and pruned trials with a finite value, in order of their numbers."""
        values = pd.to_numeric(self.trials["value"]).map(math.isfinite).astype(bool)
        ended = self.trials["state"].isin(["complete", "pruned"])
        chosen = self.trials[values & ended].sort_values("number").reset_index(drop=True)
        return chosen.astype({"value": float, "number": int})

    @cached_property
    def contenders(self) -> pd.DataFrame:
        """Complete trials, best first; the pruned ones if no trial is complete."""
        complete = self.scored[self.scored["state"] == "complete"]
        rows = self.scored if complete.empty else complete
        return rows.sort_values("value", ascending=not self.maximised, kind="stable")

    @cached_property
    def best(self) -> TrialSummary | None:
        return None if self.contenders.empty else self._summary(self.contenders.iloc[0])

    @cached_property
    def baseline(self) -> TrialSummary | None:
        """The first baseline trial; None if no baseline has a value."""
        rows = self.scored[self.scored["is_baseline"].astype(bool)]
        return None if rows.empty else self._summary(rows.iloc[0])

    @cached_property
    def front(self) -> pd.DataFrame:
        """Complete trials on the Pareto front, cheapest first.

        The columns are `number`, `value`, one for each of the costs, and the searched paths. With
        one aim it is the best trial alone.
        """
        complete = self.scored[self.scored["state"] == "complete"]
        costs = [self.cost_of(complete, cost) for cost in self.costs]
        table = complete[["number", "value", *self.space]]
        for place, (cost, values) in enumerate(zip(self.costs, costs, strict=True)):
            table.insert(2 + place, cost, values)
        table = table.dropna(subset=list(self.costs))
        merits = table["value"].to_numpy() * (1 if self.maximised else -1)
        chosen = pareto_front(table[list(self.costs)].to_numpy(float), merits)
        return table.iloc[chosen].reset_index(drop=True)

    def cost_of(self, trials: pd.DataFrame, cost: Cost) -> "pd.Series[float]":
        """Number of parameters, or seconds of the first epoch, of each trial; NaN if not known."""
        if cost == "parameters":
            return pd.to_numeric(trials["parameters"])
        first = self.curves[self.curves["epoch"] == 1].set_index("trial")["seconds"]
        return trials["number"].map(first)

    def count(self, state: str) -> int:
        return int((self.trials["state"] == state).sum())

    def curve(self, number: int) -> pd.DataFrame:
        """The rows of one trial's epochs, in order."""
        return self._curves.get(number, self.curves.iloc[:0])

    @cached_property
    def _curves(self) -> dict[int, pd.DataFrame]:
        in_order = self.curves.sort_values(["trial", "epoch"], kind="stable")
        return {int(rows["trial"].iloc[0]): rows for _, rows in in_order.groupby("trial")}

    def _summary(self, row: "pd.Series[Any]") -> TrialSummary:
        best_epoch = _whole(row["best_epoch"])
        accuracy = float(row["value"]) if self.maximised else None
        if accuracy is None:
            curve = self.curve(int(row["number"]))
            at_best = curve.loc[curve["epoch"] == best_epoch, "validation_accuracy"]
            accuracy = float(at_best.iloc[0]) if len(at_best) else None
        return TrialSummary(
            number=int(row["number"]),
            state=str(row["state"]),
            value=float(row["value"]),
            accuracy=accuracy,
            best_epoch=best_epoch,
            epochs=_whole(row["epochs"]),
            seconds=None if pd.isna(row["seconds"]) else float(row["seconds"]),
            parameters=_whole(row["parameters"]),
            settings={
                path: None if pd.isna(row[path]) else row[path]
                for path in (*self.space, *self.unsearched)
            },
        )


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
