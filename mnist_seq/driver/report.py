"""Print what a study says; write it as an HTML report, which its MLflow run gets as well."""

from collections.abc import Sequence
from pathlib import Path

from mnist_seq.config.commands import ReportConfig, SweepConfig
from mnist_seq.config.validation import validate
from mnist_seq.driver.checkpoints import write_atomically
from mnist_seq.driver.study_tables import study_tables
from mnist_seq.driver.workspace import Workspace
from mnist_seq.driver.written_page import WrittenPage
from mnist_seq.errors import TrackingError
from mnist_seq.invocation import command_text
from mnist_seq.records import Trial, TrialOutcome
from mnist_seq.report.analysis.diagnosis import summary_lines
from mnist_seq.report.analysis.front import front_rows
from mnist_seq.report.pages.report import render
from mnist_seq.search.trials import finished_trials
from mnist_seq.terminal.display import say
from mnist_seq.terminal.summary import print_files, print_findings, print_front
from mnist_seq.tracking.results import Experiment, Results, StoredRun
from mnist_seq.tracking.tracker import Tracker


def report(config: ReportConfig) -> WrittenPage:
    """Print and write the report of an existing study."""
    workspace = Workspace(config.tracking)
    experiment = workspace.experiment(config.study)
    sweep_run = sweep_run_of(workspace.results, experiment)
    settings = validate(SweepConfig, workspace.results.config(sweep_run.id))
    finished = finished_trials(settings, workspace.finished_trials(experiment.study))
    with Tracker(workspace.store, warn=say) as tracker:
        return report_study(
            workspace, tracker, experiment.study, settings, finished, file=config.file
        )


def report_study(
    workspace: Workspace,
    tracker: Tracker,
    study: str,
    config: SweepConfig,
    finished: Sequence[tuple[Trial, TrialOutcome]],
    file: str | None = None,
) -> WrittenPage:
    """Print what a study says, then write its report to a file and attach it to the sweep's run.

    Parameters
    ----------
    finished : sequence of (Trial, TrialOutcome)
        The study's trials.
    file : str, optional
        Where; by default in the tracking folder.

    Raises
    ------
    StoreError
        If the file cannot be written; what the study says has been printed.
    """
    experiment = workspace.results.experiment(study, deleted_too=True)
    sweep_run = sweep_run_of(workspace.results, experiment)
    path = workspace.report_file(f"{study}.html", file)
    tables = study_tables(
        study, config, finished, dict(workspace.results.trials(experiment)), sweep_run
    )
    if tables.costs:
        print_front(front_rows(tables))
    findings = summary_lines(tables)
    print_findings(findings)
    page = render(tables)
    write_page(path, page)
    tracker.attach(sweep_run.id, "report.html", page)
    print_files({"report": path})
    return WrittenPage(path, tuple(findings))


def write_page(path: Path, page: str) -> None:
    """Put a page in its place; other processes may write the same page."""
    write_atomically(path, page.encode())


def sweep_run_of(results: Results, experiment: Experiment) -> StoredRun:
    """Return a study's own run; a deleted one where there is no other."""
    kept = results.runs(experiment, "sweep") or results.runs(experiment, "sweep", deleted_too=True)
    if not kept:
        raise TrackingError(f"{experiment.name} is no search: {command_text('sweep')} makes one")
    return kept[0]
