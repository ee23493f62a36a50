"""Build a study's HTML report, write it to a file and attach it to the sweep's MLflow run."""

from collections.abc import Sequence
from pathlib import Path

from mnist_seq.config import ReportConfig, SweepConfig
from mnist_seq.driver.checkpoints import write_atomically
from mnist_seq.driver.study_tables import study_tables
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import TrackingError
from mnist_seq.records import Trial, TrialOutcome
from mnist_seq.report.analysis.diagnosis import summary_lines
from mnist_seq.report.pages.report import render
from mnist_seq.search.trials import finished_trials
from mnist_seq.terminal.display import console
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.validation import validate


def report(config: ReportConfig) -> tuple[list[str], Path]:
    """Write the report of an existing study; return what `write_study_report` does."""
    workspace = Workspace(config.tracking)
    study = workspace.experiment(config.study)
    sweeps = workspace.results.runs(study, "sweep")
    if not sweeps:
        raise TrackingError(f"{study.name} is no search: python -m experiments.sweep makes one")
    settings = validate(SweepConfig, workspace.results.config(sweeps[0].id))
    finished = finished_trials(settings, workspace.finished_trials(study.name))
    with Tracker(workspace.store, warn=console.print) as tracker:
        return write_study_report(
            workspace, tracker, study.name, settings, finished, file=config.file
        )


def write_study_report(
    workspace: Workspace,
    tracker: Tracker,
    study: str,
    config: SweepConfig,
    finished: Sequence[tuple[Trial, TrialOutcome]],
    file: str | None = None,
) -> tuple[list[str], Path]:
    """Write a study's report to a file and attach it to the sweep's MLflow run.

    Parameters
    ----------
    finished : sequence of (Trial, TrialOutcome)
        The study's trials.
    file : str, optional
        Where; by default in the tracking folder.

    Returns
    -------
    list of str
        What it says, in sentences.
    Path
        The file.
    """
    results = workspace.results
    experiment = results.experiment(study)
    sweep_run = results.runs(experiment, "sweep")[0]
    runs = {int(run.tags["trial_number"]): run for run in results.runs(experiment, "trial")}
    tables = study_tables(study, config, finished, runs, sweep_run)
    page = render(tables)
    path = workspace.report_file(f"{study}.html", file)
    write_atomically(path, page.encode())
    tracker.attach(sweep_run.id, "report.html", page)
    return summary_lines(tables), path
