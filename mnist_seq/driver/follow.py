"""Follow a sweep that another process runs: its page is written until the sweep has ended."""

import time
from pathlib import Path

from mnist_seq.config.commands import ReportConfig
from mnist_seq.driver.live_page import LivePage, read_study, write_while_running
from mnist_seq.driver.report import write_page
from mnist_seq.driver.signals import stop_when_asked
from mnist_seq.driver.workspace import Workspace
from mnist_seq.driver.written_page import WrittenPage
from mnist_seq.errors import StoppedError, TrackingError
from mnist_seq.report.analysis.diagnosis import summary_lines
from mnist_seq.report.pages.report import render
from mnist_seq.terminal.display import say
from mnist_seq.terminal.summary import print_files, print_findings

SECONDS_BETWEEN_LOOKS = 1.0


def follow(config: ReportConfig) -> WrittenPage:
    """Write a study's page while its sweep runs, and its report when the sweep has ended.

    A sweep that has not begun, or was stopped before, is waited for.

    Raises
    ------
    TrackingError
        If there is no store, or the study cannot be read.
    StoreError
        If the page cannot be written.
    """
    workspace = Workspace(config.tracking)
    study = _study(workspace, config.study)
    path = workspace.report_file(f"{study}.html", config.file)
    page = LivePage(workspace, study, path, _write)
    _wait_for_sweep(workspace, study, page)
    if workspace.is_running(study):
        say(f"{study}: written again while its sweep runs, until it has ended: {path}")
    write_while_running(page, lambda seconds: _wait(workspace, study, seconds))
    tables = read_study(workspace, study).ended
    findings = summary_lines(tables)
    print_findings(findings)
    _write(path, render(tables))
    print_files({"report": path})
    return WrittenPage(path, tuple(findings))


def _study(workspace: Workspace, named: str | None) -> str:
    """The study that is followed; one that is named may not be there yet."""
    try:
        return workspace.experiment(named).study
    except TrackingError:
        if named is None:
            raise
        return named


def _wait_for_sweep(workspace: Workspace, study: str, page: LivePage) -> None:
    """Return when a sweep runs the study, or has completed it; say so if that is waited for."""
    if workspace.is_running(study):
        return
    try:
        workspace.experiment(study)
    except TrackingError as error:  # it may begin
        there = str(error)
    else:
        now = read_study(workspace, study)
        if now.is_complete:
            return
        page.update()
        there = now.progress.ended_text
    say(f"no sweep runs {study} ({there}); waiting for it to begin, Ctrl-C ends this")
    while not workspace.is_running(study):
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _wait(workspace: Workspace, study: str, seconds: float) -> bool:
    """Wait for some seconds, or until no sweep runs the study; return whether none does."""
    until = time.monotonic() + seconds
    while workspace.is_running(study):
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(left, SECONDS_BETWEEN_LOOKS))
    return True


def _write(path: Path, page: str) -> None:
    """Write a page; a stop signal waits for it, so that no partial file is left."""
    with stop_when_asked() as is_stopped:
        write_page(path, page)
    if is_stopped():
        raise StoppedError("stopped")
