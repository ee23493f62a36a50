"""The search from start to end: what is opened, run, closed and printed."""

from pathlib import Path

from experiments._session import data_of, next_commands, open_session
from mnist_seq.config import SweepConfig
from mnist_seq.display import Board, best_table, clock, console, open_display
from mnist_seq.provenance import provenance
from mnist_seq.recording import Recorder, SweepRecorder
from mnist_seq.search import SearchTrials, most_epochs, study_name
from mnist_seq.study import Study
from mnist_seq.sweep import run


def search(config: SweepConfig, command: str) -> None:
    """Search as configured, in the study of that name."""
    name = study_name(config)
    folder = Path(config.tracking.folder).expanduser().resolve()
    data = data_of(config)
    console.print(
        f"[bold]{name}[/]: {config.search.trials} trials on {config.data.source}, "
        f"{len(data.train)} images to train on, {len(data.validation)} to choose by"
    )
    board = Board(config.search.trials, config.search.objective, bool(config.search.baselines))
    with open_session(config.workers, config.tracking) as session:
        study = Study(folder / "optuna.db", name, config.search, most_epochs(config))
        experiment = session.tracker.experiment(name)
        whole = SweepRecorder(
            session.tracker,
            experiment,
            name,
            config,
            board,
            provenance(command, data.digest, config.seed),
        )
        trials = Recorder(session.tracker, experiment, "trial", data_of, {"study": name})
        with open_display(board) as display:
            run(
                SearchTrials(study, config),
                session.workers,
                [display, trials, whole],
                data_of,
                retries=config.workers.retries,
                is_stopped=session.is_stopped,
            )
        whole.finish()
    _summary(board, name, config)


def _summary(board: Board, name: str, config: SweepConfig) -> None:
    if board.best is None:
        console.print("no trial finished an epoch")
        return
    console.print(best_table(board))
    trial, record = board.best
    epochs = sum(len(ending.records) for _, ending in board.endings.values())
    training = sum(r.seconds for _, ending in board.endings.values() for r in ending.records)
    console.print(
        f"\nbest [bold green]{board.value(record)}[/] in trial {trial.number}"
        + (f", {gain}" if (gain := board.gain()) else "")
        + f"\n{epochs} epochs, {clock(training)} of training in {clock(board.seconds)}: "
        f"{board.count('complete')} trials complete, {board.count('pruned')} pruned, "
        f"{board.count('failed')} failed\n"
    )
    next_commands(
        config.tracking,
        (f"ui study={name}", "compare the runs"),
        (f"rerun study={name}", "train the best again, and score the test images"),
    )
