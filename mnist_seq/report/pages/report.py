"""The report of a study as one self-contained HTML page without scripts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import pandas as pd

from mnist_seq.metrics.classification import accuracy_standard_error
from mnist_seq.records import FinalState
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.chance import lead
from mnist_seq.report.analysis.diagnosis import diagnose
from mnist_seq.report.analysis.sweep_progress import SweepProgress
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures import learning_curves as curves
from mnist_seq.report.figures.comparison import draw_comparison
from mnist_seq.report.figures.cost import draw_cost
from mnist_seq.report.figures.effects import draw_effects
from mnist_seq.report.figures.front import draw_front
from mnist_seq.report.figures.history import draw_over_budget, draw_over_time
from mnist_seq.report.figures.importance import draw_importance, draw_pairs
from mnist_seq.report.figures.parallel_coordinates import draw_parallel_coordinates
from mnist_seq.report.figures.slices import draw_slices
from mnist_seq.report.pages.frame import fill
from mnist_seq.report.pages.trial_tables import (
    comparison_table,
    failures_table,
    front_table,
    running_table,
    trials_table,
)

REFRESH = 10  # seconds after which a browser loads the page of a running sweep again


@dataclass(frozen=True, eq=False)
class Analysis:
    """The report's sentences and figures on ended trials; they take seconds to make.

    Attributes
    ----------
    tables : StudyTables
        Of these trials.
    parts : mapping
        By their names in the template.
    """

    tables: StudyTables
    parts: Mapping[str, object]


def analyse(tables: StudyTables) -> Analysis:
    """Make what the report says of a study's trials that have ended."""
    parts = {
        "front": draw_front(tables),
        "front_table": front_table(tables),
        "findings": diagnose(tables),
        "history": [draw_over_time(tables), draw_over_budget(tables)],
        "best_curve": curves.draw_best_trial(tables),
        "slices": draw_slices(tables),
        "effects": draw_effects(tables),
        "importance": draw_importance(tables),
        "parallel_coordinates": draw_parallel_coordinates(tables),
        "pairs": draw_pairs(tables),
        "cost": draw_cost(tables),
        "best_epochs": curves.draw_best_epochs(tables),
    }
    return Analysis(tables, parts)


def render(tables: StudyTables) -> str:
    """The report as the text of one HTML file."""
    return _page(analyse(tables), tables, f"{tables.name}: report", None)


def render_live(analysis: Analysis, progress: SweepProgress) -> str:
    """The report of a running sweep, which a browser loads again and again.

    Parameters
    ----------
    analysis : Analysis
        Of trials that have ended; it may be a little behind.
    """
    title = f"{progress.ended}/{progress.target} {progress.tables.name}"
    return _page(analysis, progress.tables, title, progress)


def _page(
    analysis: Analysis, tables: StudyTables, title: str, progress: SweepProgress | None
) -> str:
    all_curves = curves.draw_all_trials(tables)
    best_curve = analysis.parts["best_curve"]
    page = fill(
        "report.html",
        **analysis.parts,
        title=title,
        tables=tables,
        searched=searched(tables),
        found=found(tables),
        comparison=draw_comparison(tables),
        comparison_table=comparison_table(tables),
        curves=all_curves,
        learning_curves=[best_curve] if progress else [all_curves, best_curve],
        failures_table=failures_table(tables),
        trials_table=trials_table(tables),
        progress=progress,
        running_table=running_table(tables),
        studied=len(analysis.tables.trials),
        refresh=REFRESH,
    )
    return str(page)


def searched(tables: StudyTables) -> str:
    """One sentence on the search: number and states of trials, time, paths, objective."""
    counts = {s: tables.count(s) for s in (*get_args(FinalState), "running")}
    states = [f"{count} {state}" for state, count in counts.items() if count]
    ends = tables.trials["finished"].dropna()
    time = f" in {wording.duration(float(ends.max()))}" if len(ends) else ""
    names = wording.listing(list(tables.space))
    tried = f"{wording.many(len(tables.trials), 'trial')}{time}"
    counted = f" ({', '.join(states)})" if states else ""
    aims = tables.objective.replace("_", " ")
    if tables.costs:
        costs = wording.listing([wording.COST_NAMES[cost] for cost in tables.costs])
        aims += f" at the fewest {costs}"
    return f"{tried}{counted} searched {names} for the best {aims}."


def found(tables: StudyTables) -> str:
    """One sentence on the result: best trial, its value and settings, lead over the baseline."""
    best = tables.best
    if best is None:
        return "No trial reached a value, so nothing was found."
    reached = wording.value(tables.objective, best.value)
    if tables.maximised:
        reached += f" ± {100 * accuracy_standard_error(best.value, tables.validation_images):.2f}"
    settings = ", ".join(
        f"{path}={wording.setting(best.settings[path])}"
        for path in tables.space
        if not pd.isna(best.settings[path])
    )
    epoch = "" if best.best_epoch is None else f" in epoch {best.best_epoch}"
    kind = "pruned, as all were, " if best.state == "pruned" else ""
    sentence = f"The best, trial {best.number}, {kind}reached {reached}{epoch} with {settings}"
    over = lead(tables)
    if over is None:
        same = tables.baseline is not None and tables.baseline.number == best.number
        return sentence + ("; it is the baseline itself." if same else ".")
    verdict = "no more than luck may bring"
    if over.difference > over.luck:
        verdict = "more than luck explains"
    elif over.difference < -over.luck:
        verdict = "worse by more than luck explains: it is best by its loss alone"
    difference = wording.points(over.difference, sign=True)
    return (
        f"{sentence}: {difference} (± {100 * over.difference_error:.2f}) of accuracy against the "
        f"baseline, {verdict}."
    )
