"""Run a hyperparameter search from start to end: study, workers, tracking and report."""

from collections.abc import Callable, Set
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial

from mnist_seq.config.commands import SweepConfig
from mnist_seq.driver.checkpoints import Checkpoints
from mnist_seq.driver.live_report import live_report
from mnist_seq.driver.notify import Notification, without_target
from mnist_seq.driver.report import report_study
from mnist_seq.driver.session import Session, data_of, open_session
from mnist_seq.driver.workspace import Workspace
from mnist_seq.driver.written_page import WrittenPage
from mnist_seq.errors import (
    RepeatedFailureError,
    ServerUnavailableError,
    TrackingError,
)
from mnist_seq.search.study import Study
from mnist_seq.search.study_settings import study_name
from mnist_seq.search.trials import StudyTrials
from mnist_seq.terminal.display import say
from mnist_seq.terminal.progress import Progress
from mnist_seq.terminal.summary import print_data, print_greeting, print_retried, print_summary
from mnist_seq.tracking.provenance import provenance
from mnist_seq.tracking.sweep_recorder import SweepRecorder
from mnist_seq.tracking.system_metrics import system_metrics
from mnist_seq.tracking.trial_recorder import TrialRecorder, earlier_runs, label_again


@dataclass(frozen=True)
class SweepResult:
    """Result of a search: its trials, and whether they are all there.

    Attributes
    ----------
    study : str
        The study's name.
    progress : Progress
        All trials with their outcomes, the best and the baseline.
    is_complete : bool
        False if the user stopped the search: the same command goes on.
    page : WrittenPage or None
        Its report; None where it was stopped.
    """

    study: str
    progress: Progress
    is_complete: bool
    page: WrittenPage | None = None


def sweep(config: SweepConfig, command: str) -> SweepResult:
    """Run the configured search and print its results; resume the study of an earlier session.

    Raises
    ------
    ConfigError
        If the study exists with other settings.
    DataError
        If the study's trials had other images.
    FaultError
        If the machine or the installation keeps a trial from going on; the same command resumes.
    RepeatedFailureError
        If the first trials all failed for the same reason.
    """
    notification = Notification(config.notify)
    workspace = Workspace(config.tracking, create=True)
    name = study_name(config)
    with workspace.study_lock(config):
        study = workspace.open_study(config, data_of(config).digests)
        checkpoints = workspace.checkpoints(name)
        checkpoints.delete_from(study.next_number)
        tried_again = {*study.retried, *study.readmitted}
        for number in tried_again:
            checkpoints.delete(number)
        trials = StudyTrials(study, config)
        progress = _progress(study, trials, config)
        page = None
        with (
            notification.sent(name, progress, workspace.folder),
            _report_meanwhile(workspace, config, name) as end_live_report,
            open_session(workspace, config.workers) as session,
        ):
            study.wait_for_server(session.is_stopped)
            again = checkpoints.outcomes().keys() | tried_again
            whole, each = _recorders(
                workspace, session, config, progress, checkpoints, without_target(command), again
            )
            _end_runs(each, trials, again)
            load = system_metrics(config.tracking, lambda: whole.run)
            retries = config.search.retries
            try:
                is_complete = session.run(
                    trials, each, checkpoints, progress, whole, *load, retries=retries
                )
            except Exception:
                whole.finish(is_complete=False)
                raise
            progress.end = trials.end if is_complete else None
            whole.finish(is_complete=is_complete and trials.given_up is None)
            if is_complete:
                notification.ended(trials.given_up)
            print_summary(progress)
            if is_complete:
                finished = trials.finished()
                study_report = partial(
                    report_study, workspace, session.tracker, name, config, finished
                )
                try:
                    session.tracker.flush()
                except TrackingError:  # what was found is said, as far as its runs can be read
                    end_live_report()
                    with suppress(ServerUnavailableError):
                        study_report()
                    raise
                end_live_report()
                page = study_report()
    if trials.given_up is not None:
        raise RepeatedFailureError(trials.given_up)
    return SweepResult(name, progress, is_complete, page)


def _report_meanwhile(
    workspace: Workspace, config: SweepConfig, study: str
) -> AbstractContextManager[Callable[[], object]]:
    """Context manager around the search: its page is written meanwhile, if that is wanted."""
    if config.report != "live":
        return nullcontext(lambda: None)
    path = workspace.report_file(f"{study}.html", None)
    say(f"{path}: the report, written again while the sweep runs")
    return live_report(config.tracking, study, path)


def _progress(study: Study, trials: StudyTrials, config: SweepConfig) -> Progress:
    """Return the progress, including trials of earlier sessions, and print the sweep's header."""
    search, data = config.search, data_of(config)
    progress = Progress(
        search.target, search.metric, bool(search.baselines), at_most=search.is_auto
    )
    for trial, outcome in trials.finished():
        progress.restore(trial, outcome)
    progress.end = trials.end
    images = len(data.train), len(data.validation)
    print_greeting(study.name, config.data.source, progress, *images, study.kept)
    if config.search.start_from is not None:
        say(f"tried first: {len(study.first)} of the best trials of {config.search.start_from}")
    print_data(data)
    print_retried(study.retried, study.readmitted)
    return progress


def _end_runs(recorder: TrialRecorder, trials: StudyTrials, kept: Set[int]) -> None:
    """End the runs of trials that ended on another host before it had told MLflow's server.

    What that host alone has, the network, is stored when the command runs there again.
    """
    left = recorder.earlier.keys() - kept
    for trial, outcome in trials.finished() if left else ():
        if trial.number in left:
            recorder.on_trial_start(trial)
            recorder.on_trial_end(trial, outcome)


def _recorders(
    workspace: Workspace,
    session: Session,
    config: SweepConfig,
    progress: Progress,
    checkpoints: Checkpoints,
    command: str,
    again: Set[int],
) -> tuple[SweepRecorder, TrialRecorder]:
    """Create the MLflow recorders of the sweep and of its trials, reusing earlier runs.

    The runs of the trials `again` are gone on with even if they have ended.
    """
    name, data, results = study_name(config), data_of(config), workspace.results
    experiment = session.tracker.experiment(name)
    source = provenance(command, data.digests, config.seed)
    source = replace(source, tags={**source.tags, **session.worker_tags()})
    known = results.trials(results.experiment(name))
    label_again(session.tracker, known, progress.outcomes.values())
    earlier_sweeps = earlier_runs(results, name, "sweep", {}, {0})
    whole = SweepRecorder(
        session.tracker,
        experiment,
        name,
        config,
        progress,
        source,
        len(data.validation),
        earlier_sweeps.get(0),
    )
    each = TrialRecorder(
        session.tracker,
        experiment,
        "trial",
        data_of,
        # Of its own: a later session of the sweep may be made by other code or libraries.
        {**source.tags, "study": name, "sweep_run": whole.run.created.result()},
        earlier_runs(results, name, "trial", {}, again),
        checkpoints.delete,
        config.search.space,
    )
    return whole, each
