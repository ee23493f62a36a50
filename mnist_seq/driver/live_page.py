"""The page of a study whose sweep runs: read from the databases and written when it has changed.

The databases are read only, and for no longer than a query takes, so that no sweep waits for it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.validation import validate
from mnist_seq.driver.report import sweep_run_of, write_page
from mnist_seq.driver.study_tables import study_tables
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import InputError
from mnist_seq.report.analysis.sweep_progress import SweepProgress
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.pages.report import REFRESH, Analysis, analyse, render_live
from mnist_seq.search.trials import finished_trials, running_trials
from mnist_seq.tracking.results import StoredRun

# What a page says of ended trials takes far longer than its curves: each has its own pauses, and
# an eleventh of a core at most.
PAUSES = 10  # times the processor's time that was taken before
SECONDS_TO_BEGIN = 60.0


@dataclass(frozen=True)
class StudySnapshot:
    """A study as its databases have it at one moment.

    Attributes
    ----------
    ended : StudyTables
        Its trials that have ended, as in the report.
    progress : SweepProgress
        These and those that run.
    version : tuple
        Another one whenever a page of it would show something new.
    is_complete : bool
        Whether its latest sweep has run to the end.
    """

    ended: StudyTables
    progress: SweepProgress
    version: tuple[object, ...]
    is_complete: bool


def read_study(workspace: Workspace, study: str) -> StudySnapshot:
    """Read a study while a sweep may run it.

    Raises
    ------
    TrackingError
        If it is not there, or not yet.
    """
    results = workspace.results
    experiment = results.experiment(study, deleted_too=True)
    sweep = sweep_run_of(results, experiment)
    config = validate(SweepConfig, results.config(sweep.id))
    # MLflow first: it is told of everything later than Optuna.
    runs = dict(results.trials(experiment))
    stored, values = workspace.trials(study)
    finished = finished_trials(config, stored)
    running = [
        (trial, results.curve(runs[trial.number].id))
        for trial in running_trials(config, values)
        if trial.number in runs and runs[trial.number].status == "RUNNING"
    ]
    ended = study_tables(study, config, finished, runs, sweep)
    tables = study_tables(study, config, finished, runs, sweep, running) if running else ended
    states = [(trial.number, outcome.state) for trial, outcome in finished]
    epochs = [(trial.number, len(records)) for trial, records in running]
    ends = [run.end for run in runs.values()]
    since = workspace.running_since(study) if workspace.is_running(study) else None
    return StudySnapshot(
        ended,
        _progress(tables, config, since, runs),
        (config.search.target, since, *states, *epochs, *ends),
        is_complete=sweep.status == "FINISHED",
    )


def write_while_running(page: "LivePage", has_ended: Callable[[float], bool]) -> None:
    """Write a page until the sweep has ended.

    Parameters
    ----------
    has_ended : callable
        Waits for some seconds, or less if the sweep ends; tells whether it has.

    Raises
    ------
    InputError
        If for a minute the study could not be read, or the page not be written.
    """
    pause, last = 0.0, time.monotonic()
    while not has_ended(pause):
        try:
            pause = page.update()
            last = time.monotonic()
        except InputError:  # a sweep that begins has not written everything yet
            if time.monotonic() - last > SECONDS_TO_BEGIN:
                raise
            pause = 1.0


class LivePage:
    """The page of a study, written while its sweep runs.

    Parameters
    ----------
    write : callable
        Puts a page in its place.
    """

    def __init__(
        self,
        workspace: Workspace,
        study: str,
        path: Path,
        write: Callable[[Path, str], None] = write_page,
    ) -> None:
        self._workspace, self._study, self._path = workspace, study, path
        self._write = write
        self._version: tuple[object, ...] | None = None
        self._analysis: Analysis | None = None
        self._next_analysis = 0.0

    def update(self) -> float:
        """Write the page if it would show something new; return seconds to wait until the next.

        Raises
        ------
        InputError
            If the study cannot be read, or the page not be written.
        """
        began = time.process_time()
        now = read_study(self._workspace, self._study)
        if self._analysis is not None and now.version != self._version:
            self._write(self._path, render_live(self._analysis, now.progress))
            self._version = now.version
        if self._is_due(now.ended):
            self._analyse(now.ended)
            self._version = None  # the same study has more to show
            return 0.0
        return max(REFRESH, PAUSES * (time.process_time() - began))

    def _is_due(self, ended: StudyTables) -> bool:
        known = self._analysis
        is_behind = known is None or len(known.tables.trials) != len(ended.trials)
        return is_behind and time.monotonic() >= self._next_analysis

    def _analyse(self, ended: StudyTables) -> None:
        began = time.process_time()
        self._analysis = analyse(ended)
        self._next_analysis = time.monotonic() + PAUSES * (time.process_time() - began)


def _progress(
    tables: StudyTables,
    config: SweepConfig,
    since: datetime | None,
    runs: Mapping[int, StoredRun],
) -> SweepProgress:
    now = datetime.now(UTC)
    recent = {n for n, run in runs.items() if since and (run.end is None or run.end >= since)}
    trials = tables.trials
    return SweepProgress(
        tables,
        target=config.search.target,
        at_most=config.search.is_auto,
        seconds=(now - since).total_seconds() if since else None,
        epochs_since=int(trials["epochs"][trials["number"].isin(recent)].sum()),
        timeout=config.search.timeout,
        written=now.astimezone(),
    )
