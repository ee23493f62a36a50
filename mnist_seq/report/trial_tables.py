"""The report's tables as HTML: the ledger of failures, and every trial with its run."""

from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pandas as pd

from mnist_seq.report import wording
from mnist_seq.report.scales import activity
from mnist_seq.report.tables import StudyTables, missing

LINKABLE = {"http", "https", "file", ""}


def failures(tables: StudyTables) -> str:
    """One row for each failed trial: where it got to, why it ended, what its settings were."""
    failed = tables.trials[tables.trials["state"] == "failed"].sort_values("number")
    if failed.empty:
        return '<p class="none">No trial failed.</p>'
    active = {path: activity(tables, failed, path) for path in tables.space}
    rows = []
    for row_index, (_, row) in enumerate(failed.iterrows()):
        settings = ", ".join(
            f"{path}={wording.setting(row[path])}"
            for path in tables.space
            if active[path][row_index] and not missing(row[path])
        )
        reason = "unknown" if missing(row["reason"]) else str(row["reason"])
        rows.append(
            f'<tr><td class="number">{int(row["number"])}</td>'
            f'<td class="reason">{escape(reason)}</td>'
            f'<td class="number">{_cell(row["epochs"])}</td><td>{_run(tables, row)}</td>'
            f'<td class="reason">{escape(settings)}</td></tr>'
        )
    return _table(["trial", "reason", "epochs done", "run", "settings"], rows, {0, 2})


def trials(tables: StudyTables) -> str:
    """Every trial, the best first, then those without a value, each with a link to its run."""
    if tables.trials.empty:
        return '<p class="none">The study has no trials yet.</p>'
    heads = ["trial", "state", tables.objective.replace("_", " "), "best epoch", "epochs"]
    heads += ["time", "parameters", *tables.space, "run"]
    merit = pd.to_numeric(tables.trials["value"]).where(tables.trials["state"] != "failed")
    order = np.argsort((-merit if tables.maximised else merit).to_numpy(float), kind="stable")
    active = {path: activity(tables, tables.trials, path) for path in tables.space}
    rows = []
    for position in order:
        row = tables.trials.iloc[int(position)]
        number = int(row["number"])
        value = row["value"]
        cells = [
            ("number", str(number)),
            ("", escape(_state(row))),
            (
                "number",
                wording.NONE if missing(value) else escape(wording.value(tables.objective, value)),
            ),
            ("number", _cell(row["best_epoch"])),
            ("number", _cell(row["epochs"])),
            (
                "number",
                wording.NONE
                if missing(row["seconds"])
                else wording.duration(float(row["seconds"])),
            ),
            ("number", _cell(row["parameters"])),
        ]
        for path in tables.space:
            shown = (
                wording.NONE if not active[path][position] else escape(wording.setting(row[path]))
            )
            cells.append(("", shown))
        cells.append(("", _run(tables, row)))
        best = tables.best is not None and tables.best.number == number
        rows.append(
            f'<tr id="trial-{number}"{" class=best" if best else ""}>'
            + "".join(f"<td{f' class={kind}' if kind else ''}>{text}</td>" for kind, text in cells)
            + "</tr>"
        )
    return _table(heads, rows, {0, 2, 3, 4, 5, 6})


def run_address(tables: StudyTables, run_id: str) -> str | None:
    """Where a run is shown, if the study knows; only addresses that a browser just opens."""
    if tables.run_address is None:
        return None
    address = tables.run_address.replace("{run_id}", quote(run_id, safe=""))
    return address if urlsplit(address).scheme.lower() in LINKABLE else None


def _run(tables: StudyTables, row: "pd.Series[Any]") -> str:
    if missing(row["run_id"]):
        return wording.NONE
    run_id = str(row["run_id"])
    short = escape(run_id[:8])
    address = run_address(tables, run_id)
    return f'<a href="{escape(address)}">{short}</a>' if address else short


def _state(row: "pd.Series[Any]") -> str:
    return f"{row['state']}, baseline" if bool(row["is_baseline"]) else str(row["state"])


def _cell(value: Any) -> str:
    return wording.NONE if missing(value) else f"{int(value):,}"


def _table(heads: list[str], rows: list[str], numbers: set[int]) -> str:
    head = "".join(
        f"<th scope=col{' class=number' if i in numbers else ''}>{escape(name)}</th>"
        for i, name in enumerate(heads)
    )
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
