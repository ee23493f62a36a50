"""The search from start to end: what is opened, run, closed and printed."""

from experiments._data import data_of
from experiments._report import keep_report, show_findings
from experiments._session import (
    earlier_runs,
    next_commands,
    open_session,
    tracking_folder,
)
from mnist_seq.config import SweepConfig
from mnist_seq.display import Board, best_table, clock, console, failures
from mnist_seq.errors import RepeatedFailureError, StoppedError
from mnist_seq.lock import only_driver
from mnist_seq.provenance import provenance
from mnist_seq.recording import Recorder, SweepRecorder
from mnist_seq.search import (
    SearchTrials,
    check_unchanged,
    fixed_settings,
    most_epochs,
    study_name,
)
from mnist_seq.space import value_at
from mnist_seq.study import Study
from mnist_seq.study_store import stored_settings


def search(config: SweepConfig, command: str) -> None:
    """Search as configured, in the study of that name; go on where an earlier session stopped."""
    name = study_name(config)
    database = tracking_folder(config.tracking) / "optuna.db"
    if (settings := stored_settings(database, name)) is not None:
        check_unchanged(name, settings, config)
    data = data_of(config)
    board = Board(config.search.trials, config.search.objective, bool(config.search.baselines))
    lock = only_driver(tracking_folder(config.tracking) / "unfinished" / name, name)
    with lock, open_session(config.workers, config.tracking) as session:
        study = Study(
            database,
            name,
            config.search,
            most_epochs(config),
            fixed_settings(config),
            lambda path: value_at(config, path),
        )
        trials = SearchTrials(study, config)
        checkpoints = session.checkpoints(name)
        checkpoints.forget_from(study.next_number)
        for trial, ending in trials.finished():
            board.recall(trial, ending)
        _greet(name, config, board, len(data.train), len(data.validation), study.kept)
        experiment = session.tracker.experiment(name)
        kept = checkpoints.endings().keys()
        sweeps = earlier_runs(config.tracking, name, "sweep", {}, {0})
        made_by = provenance(command, data.digest, config.seed)
        whole = SweepRecorder(
            session.tracker,
            experiment,
            name,
            config,
            board,
            made_by,
            len(data.validation),
            sweeps.get(0),
        )
        recorder = Recorder(
            session.tracker,
            experiment,
            "trial",
            data_of,
            # Of its own: a later session of the sweep may be made by other code or libraries.
            {**made_by.tags, "study": name, "sweep_run": whole.run.created.result()},
            earlier_runs(config.tracking, name, "trial", {}, kept),
            checkpoints.forget,
        )
        try:
            session.run(trials, recorder, checkpoints, board, whole, retries=config.search.retries)
        except StoppedError:
            whole.finish(is_complete=False)
            _summary(board)
            raise
        whole.finish(is_complete=trials.given_up is None)
        session.tracker.flush()
        tables, file = keep_report(session.tracker, config.tracking, name)
    if trials.given_up is not None:
        raise RepeatedFailureError(trials.given_up)
    _summary(board)
    show_findings(tables, file)
    next_commands(
        config.tracking,
        (f"ui study={name}", "compare the runs"),
        (f"rerun study={name}", "train the best again, and score the test images"),
    )


def _greet(
    name: str,
    config: SweepConfig,
    board: Board,
    train: int,
    validation: int,
    kept: tuple[int, int] | None,
) -> None:
    console.print(
        f"[bold]{name}[/]: {config.search.trials} trials on {config.data.source}, "
        f"{train} images to train on, {validation} to choose by"
    )
    if kept is not None:
        console.print(f"the space has changed: {kept[0]} of {kept[1]} earlier trials lie inside it")
    if len(board.endings) >= config.search.trials:
        more = len(board.endings) + 20
        console.print(f"all of them are done; search.trials={more} adds more", soft_wrap=True)
    elif board.endings:
        console.print(f"{len(board.endings)} of them are done; going on")


def _summary(board: Board) -> None:
    if board.best is None:
        console.print("no trial finished an epoch")
        return
    if board.endings:
        console.print(best_table(board))
    trial, record = board.best
    epochs = sum(len(ending.records) for _, ending in board.endings.values())
    training = sum(ending.seconds for _, ending in board.endings.values())
    took = clock(board.seconds)
    console.print(
        f"\nbest [bold green]{board.value(record)}[/] in trial {trial.number}"
        + (f", {gain}" if (gain := board.gain()) else "")
        + f"\n{epochs} epochs, {clock(training)} of training"
        + (f" ({took} since it went on): " if board.earlier else f" in {took}: ")
        + f"{board.count('complete')} trials complete, {board.count('pruned')} pruned, "
        f"{board.count('failed')} failed\n"
    )
    for kind, numbers in failures(board).items():
        console.print(f"failed, {kind}: trial {', '.join(map(str, numbers))}", style="yellow")
