"""The report of a study: read from both stores, written as a page, kept with the sweep's run."""

import textwrap
from pathlib import Path

from experiments._session import tracking_folder
from mnist_seq.checkpoint import write_atomically
from mnist_seq.config import ReportConfig, SweepConfig, TrackingConfig
from mnist_seq.display import console
from mnist_seq.errors import TrackingError
from mnist_seq.report.diagnosis import summary_lines
from mnist_seq.report.page import render
from mnist_seq.report.tables import StudyTables
from mnist_seq.reporting import study_tables
from mnist_seq.search import ended_trials
from mnist_seq.study_store import finished_trials
from mnist_seq.tracking.results import Results
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.validation import validate


def write_report(config: ReportConfig) -> None:
    """Write the report of a study that an earlier command made, and keep it with its sweep."""
    results = Results(config.tracking)
    study = results.study(config.study) if config.study else results.latest_study()
    with Tracker(config.tracking, warn=console.print) as tracker:
        tables, file = keep_report(tracker, config.tracking, study.name, config.file)
    show_findings(tables, file)


def keep_report(
    tracker: Tracker, tracking: TrackingConfig, name: str, file: str | None = None
) -> tuple[StudyTables, Path]:
    """Write a study's report to a file and to its sweep's run.

    Returns
    -------
    StudyTables
        What it was made from.
    Path
        The file: the one given, or one in the tracking folder.
    """
    tables, sweep_run = read_tables(tracking, name)
    page = render(tables)
    path = Path(file) if file else tracking_folder(tracking) / "reports" / f"{name}.html"
    write_atomically(path, page.encode())
    tracker.attach(sweep_run, "report.html", page)
    return tables, path


def show_findings(tables: StudyTables, file: Path) -> None:
    """Print what the study says in words, and where the whole report is."""
    for line in summary_lines(tables):
        # Not in the middle of a word: a suggested override is there to be copied.
        wrapped = textwrap.fill(
            line,
            console.width,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        console.print(wrapped, soft_wrap=True, markup=False)
    console.print(f"\nreport: {file}\n", soft_wrap=True, markup=False)


def read_tables(tracking: TrackingConfig, name: str) -> tuple[StudyTables, str]:
    """A study's tables, and the id of its sweep's run."""
    results = Results(tracking)
    study = results.study(name)
    sweeps = results.runs(study, "sweep")
    if not sweeps:
        raise TrackingError(f"{name} is no search: python -m experiments.sweep makes one")
    config = validate(SweepConfig, results.config(sweeps[0].id))
    over = finished_trials(tracking_folder(tracking) / "optuna.db", name)
    runs = {int(run.tags["trial_number"]): run for run in results.runs(study, "trial")}
    tables = study_tables(name, config, ended_trials(config, over), runs, sweeps[0])
    return tables, sweeps[0].id
