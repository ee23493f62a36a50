"""What sweep, train and rerun have in common: data, workers, tracker, and being stopped."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from experiments._data import data_of
from mnist_seq import training
from mnist_seq.checkpoint import Checkpoints
from mnist_seq.cluster import open_workers
from mnist_seq.config import TrackingConfig, WorkersConfig
from mnist_seq.display import Board, console
from mnist_seq.errors import StoppedError
from mnist_seq.recording import EarlierRun, Recorder
from mnist_seq.roles import Trials, Watcher
from mnist_seq.sweep import Loop
from mnist_seq.terminal import open_display
from mnist_seq.tracking.results import Results
from mnist_seq.tracking.tracker import Role, Tracker
from mnist_seq.workers import Steps, Workers

RETRIES = 2
SECONDS_A_TURN = 0.0002
LOOPBACK = ("tcp://127.", "tcp://localhost:", "tcp://[::1]:")
STEPS = Steps(training.warm_up, training.begin, training.advance, training.finish)


@dataclass(frozen=True)
class Session:
    """Everything that a training needs around it, open.

    Attributes
    ----------
    folder : Path
        The tracking folder.
    """

    workers: Workers
    tracker: Tracker
    folder: Path
    tracking: TrackingConfig
    is_stopped: Callable[[], bool]

    def checkpoints(self, name: str) -> Checkpoints:
        """Where what is unfinished is kept."""
        return Checkpoints(self.folder / "unfinished" / name)

    def run(
        self,
        trials: Trials,
        recorder: Recorder,
        checkpoints: Checkpoints,
        board: Board,
        *watchers: Watcher,
        retries: int = RETRIES,
    ) -> None:
        """Train until no trial is left.

        Raises
        ------
        StoppedError
            If the user stopped it; all states are saved.
        """
        with open_display(board) as display:
            loop = Loop(
                trials,
                self.workers,
                [display, recorder, *watchers],
                checkpoints,
                data_of,
                retries,
                self.tracker.idle,
            )
            is_complete = loop.run(self.is_stopped)
        if not is_complete:
            recorder.interrupt()
            raise StoppedError


@contextlib.contextmanager
def open_session(workers: WorkersConfig, tracking: TrackingConfig) -> Iterator[Session]:
    """Workers and tracker for as long as the block lasts."""
    if workers.scheduler is not None and not workers.scheduler.startswith(("tls://", *LOOPBACK)):
        console.print(
            f"{workers.scheduler} asks nobody who they are: whoever reaches it can run code there; "
            "use tls://, or a network of your own",
            style="yellow",
            soft_wrap=True,
        )
    with (
        quick_turns(),
        _stop_signals() as is_stopped,
        # What workers are forked from loads TensorFlow while the store is opened.
        Tracker(tracking, warn=console.print) as tracker,
        open_workers(workers, STEPS) as pool,
    ):
        folder = tracking_folder(tracking)
        yield Session(pool, tracker, folder, tracking, is_stopped)


@contextlib.contextmanager
def quick_turns() -> Iterator[None]:
    """Let no thread make the others wait for long.

    While MLflow is written, by a thread of its own, the driver would wait 5 ms, Python's default,
    whenever it comes back from the disk: several times an epoch.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SECONDS_A_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def tracking_folder(tracking: TrackingConfig) -> Path:
    """The folder that holds everything, as an absolute path."""
    return Path(tracking.folder).expanduser().resolve()


def earlier_runs(
    tracking: TrackingConfig, study: str, role: Role, tags: Mapping[str, str], keep: Set[int]
) -> dict[int, EarlierRun]:
    """Runs of earlier sessions to go on with, by trial number: of several the latest.

    Parameters
    ----------
    tags
        That they have.
    keep
        Numbers of trials to go on with even where their run looks finished.
    """
    results = Results(tracking)
    found = {}
    for run in results.runs(results.study(study), role):
        number = int(run.tags.get("trial_number", 0))
        if any(run.tags.get(name) != value for name, value in tags.items()):
            continue
        is_open = run.status not in {"FINISHED", "FAILED"}
        if is_open or number in keep:
            found[number] = EarlierRun(run.id, len(results.curve(run.id)))
    return found


@contextlib.contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl-C or SIGTERM once: stop in good order. Twice: leave now."""
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        if asked:
            raise SystemExit(128 + number)
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def next_commands(tracking: TrackingConfig, *commands: tuple[str, str]) -> None:
    """Print what can be typed next, and why."""
    folder = "" if tracking.folder == "mlruns" else f" tracking.folder={tracking.folder}"
    for command, why in commands:
        console.print(f"  python -m experiments.{command}{folder}  [dim]# {why}[/]", soft_wrap=True)
