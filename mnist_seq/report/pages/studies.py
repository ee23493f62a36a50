"""The page of several studies beside each other as one self-contained HTML file."""

from collections.abc import Sequence
from typing import get_args

from mnist_seq.invocation import command_text
from mnist_seq.records import FinalState
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.study_comparison import ComparedStudy, differing, findings, said
from mnist_seq.report.figures.studies import (
    draw_all_curves,
    draw_best_curves,
    draw_bests,
    draw_searches,
)
from mnist_seq.report.pages.frame import fill


def render_studies(studies: Sequence[ComparedStudy], command: str) -> str:
    """The page as the text of one HTML file.

    Parameters
    ----------
    studies : sequence of ComparedStudy
        At least two.
    command : str
        What makes the page again.
    """
    page = fill(
        "studies.html",
        title=" against ".join(study.tables.name for study in studies),
        studies=studies,
        findings=findings(studies),
        bests=draw_bests(studies),
        results=results(studies),
        curves=[draw_best_curves(studies), draw_searches(studies), *draw_all_curves(studies)],
        said=said(studies),
        differing=differing(studies),
        command=command,
        rerun=command_text("rerun", "seeds=5"),
    )
    return str(page)


def results(studies: Sequence[ComparedStudy]) -> dict[str, list[str]]:
    """The table of what the studies have reached: texts, one a study, by what they are."""
    columns = [_result(study) for study in studies]
    names = dict.fromkeys(name for column in columns for name in column)
    return {name: [column.get(name) or wording.NONE for column in columns] for name in names}


def _result(study: ComparedStudy) -> dict[str, str]:
    tables, best = study.tables, study.tables.best
    states = {state: tables.count(state) for state in get_args(FinalState)}
    told = {
        "searched for": tables.objective.replace("_", " "),
        "trials": f"{len(tables.trials):,}",
        "of these": ", ".join(f"{count:,} {state}" for state, count in states.items() if count),
        "training time": wording.duration(float(tables.trials["seconds"].sum())),
    }
    if best is None:
        return told
    if study.best is not None:
        told["best validation accuracy"] = f"{_percent(study.accuracy)} ± {100 * study.error:.2f}"
    if not tables.maximised:
        told["best validation loss"] = wording.value(tables.objective, best.value)
    settings = (
        f"{path.rpartition('.')[2]}={wording.setting(value)}"
        for path, value in best.settings.items()
        if value is not None
    )
    return told | {
        "in trial": str(best.number),
        "in epoch": f"{best.best_epoch} of {best.epochs}",
        "its parameters": wording.NONE if best.parameters is None else f"{best.parameters:,}",
        "its settings": ", ".join(settings),
    }


def _percent(accuracy: float) -> str:
    return wording.value("validation_accuracy", accuracy)
