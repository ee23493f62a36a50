"""HTML tables of the report: best against baseline, failed trials, all trials."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from mnist_seq.metrics.classification import accuracy_standard_error
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.front import front_rows
from mnist_seq.report.analysis.hyperparameters import activity
from mnist_seq.report.analysis.tables import StudyTables, TrialSummary
from mnist_seq.report.pages.frame import fill

COUNT = "{:,.0f}".format
SHORT_ID = "{:.8}".format  # the first letters tell runs apart


class Column(NamedTuple):
    """A column of an HTML table: heading, cell texts and CSS class."""

    head: str
    cells: list[str]
    kind: str = ""


def comparison_table(tables: StudyTables) -> Markup:
    """HTML table of best trial and baseline, one row per result or setting."""
    named = {"best": tables.best, "baseline": tables.baseline}
    if tables.best and tables.baseline and tables.best.number == tables.baseline.number:
        named = {"best = baseline": tables.best}
    shown = {name: trial for name, trial in named.items() if trial is not None}
    trials = list(shown.values())
    rows = [
        (tables.objective.replace("_", " "), [_value(tables, t) for t in trials], False),
        ("best epoch", [_epoch(t) for t in trials], False),
        ("parameters", _cells([t.parameters for t in trials], COUNT), False),
        ("training time", _cells([t.seconds for t in trials], wording.duration), False),
    ]
    for path in tables.space:
        cells = _cells([t.settings[path] for t in trials], wording.setting)
        rows.append((path, cells, len(set(cells)) > 1))
    for path in tables.unsearched:
        cells = [wording.setting(t.settings[path]) for t in trials]
        if len(set(cells)) > 1:
            rows.append((f"{path} (not searched)", cells, True))
    return fill("comparison.html", names=list(shown), trials=trials, rows=rows)


def front_table(tables: StudyTables) -> Markup:
    """HTML table of the Pareto front, cheapest first."""
    rows = front_rows(tables)
    kinds = {"settings": "reason"}
    return _table(
        [
            Column(name, [row[name] for row in rows], kinds.get(name, "number"))
            for name in (rows[0] if rows else ())
        ]
    )


def failures_table(tables: StudyTables) -> Markup:
    """HTML table of the failed trials: reason, epochs done, run and settings."""
    failed = tables.trials[tables.trials["state"] == "failed"].sort_values("number")
    reasons = ["unknown" if pd.isna(reason) else str(reason) for reason in failed["reason"]]
    return _table(
        [
            Column("trial", list(map(str, failed["number"])), "number"),
            Column("reason", reasons, "reason"),
            Column("epochs done", _cells(failed["epochs"], COUNT), "number"),
            Column("run", _cells(failed["run_id"], SHORT_ID)),
            Column("settings", _settings(tables, failed), "reason"),
        ]
    )


def running_table(tables: StudyTables) -> Markup | None:
    """HTML table of the trials that run: epoch, best value so far, settings; None if none runs."""
    running = tables.trials[tables.trials["state"] == "running"].sort_values("number")
    if running.empty:
        return None
    planned = zip(running["epochs"], running["planned_epochs"], strict=True)
    values = _cells(running["value"], partial(wording.value, tables.objective))
    return _table(
        [
            Column("trial", list(map(str, running["number"])), "number"),
            Column("epoch", [f"{COUNT(done)} of {COUNT(whole)}" for done, whole in planned]),
            Column("best so far", values, "number"),
            Column("settings", _settings(tables, running), "reason"),
        ]
    )


def trials_table(tables: StudyTables) -> Markup:
    """HTML table of all trials, best first; the target of links to trials."""
    is_rated = ~tables.trials["state"].isin(["failed", "infeasible"])
    merit = pd.to_numeric(tables.trials["value"]).where(is_rated)
    order = np.argsort((-merit if tables.maximised else merit).to_numpy(float), kind="stable")
    trials = tables.trials.iloc[order]
    states = trials["state"] + np.where(trials["is_baseline"].astype(bool), ", baseline", "")
    values = _cells(trials["value"], partial(wording.value, tables.objective))
    settings = []
    for path in tables.space:
        cells = [wording.setting(cell) for cell in trials[path]]
        shown = np.where(activity(tables, trials, path), cells, wording.NONE)
        settings.append(Column(path, list(shown)))
    return _table(
        [
            Column("trial", list(map(str, trials["number"])), "number"),
            Column("state", list(states)),
            Column(tables.objective.replace("_", " "), values, "number"),
            Column("best epoch", _cells(trials["best_epoch"], COUNT), "number"),
            Column("epochs", _cells(trials["epochs"], COUNT), "number"),
            Column("time", _cells(trials["seconds"], wording.duration), "number"),
            Column("parameters", _cells(trials["parameters"], COUNT), "number"),
            *settings,
            Column("run", _cells(trials["run_id"], SHORT_ID)),
        ],
        targets=True,
        best=str(tables.best.number) if tables.best else None,
    )


def _table(columns: list[Column], *, targets: bool = False, best: str | None = None) -> Markup:
    rows = list(zip(*(column.cells for column in columns), strict=True))
    return fill("trials.html", columns=columns, rows=rows, targets=targets, best=best)


def _settings(tables: StudyTables, trials: pd.DataFrame) -> list[str]:
    """The searched settings of each trial, without those that are not active."""
    active = {path: activity(tables, trials, path) for path in tables.space}
    return [
        ", ".join(
            f"{path}={wording.setting(row[path])}"
            for path in tables.space
            if active[path][place] and not pd.isna(row[path])
        )
        for place, (_, row) in enumerate(trials.iterrows())
    ]


def _value(tables: StudyTables, trial: TrialSummary) -> str:
    text = wording.value(tables.objective, trial.value)
    if not tables.maximised:
        return text
    error = accuracy_standard_error(trial.value, tables.validation_images)
    return f"{text} ±\N{NO-BREAK SPACE}{100 * error:.2f}"


def _epoch(trial: TrialSummary) -> str:
    known = [str(n) for n in (trial.best_epoch, trial.epochs) if n is not None]
    return " of ".join(known) or wording.NONE


def _cells(values: Iterable[Any], write: Callable[[Any], str]) -> list[str]:
    """Format values as cell texts; missing ones become a dash."""
    return [wording.NONE if pd.isna(value) else write(value) for value in values]
