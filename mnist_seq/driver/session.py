"""Resources shared by all commands that train: workers, tracker and stop signals."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mnist_seq.config.settings import Config, WorkersConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.data.load import training_data
from mnist_seq.driver.checkpoints import Checkpoints
from mnist_seq.driver.loop import Driver
from mnist_seq.driver.protocols import TrialSource
from mnist_seq.driver.signals import stop_when_asked
from mnist_seq.driver.workspace import Workspace
from mnist_seq.network import training
from mnist_seq.records import Callback
from mnist_seq.terminal.display import open_display, say
from mnist_seq.terminal.progress import Progress
from mnist_seq.tracking.provenance import worker_tags
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.tracking.trial_recorder import TrialRecorder
from mnist_seq.workers.cluster import open_workers
from mnist_seq.workers.pool import Workers
from mnist_seq.workers.tasks import TrainingFunctions

RETRIES = 2
SWITCH_INTERVAL = 0.0002  # seconds
LOOPBACK = ("tcp://127.", "tcp://localhost:", "tcp://[::1]:")
FUNCTIONS = TrainingFunctions(training.warm_up, training.begin, training.advance, training.finish)


@dataclass(frozen=True)
class Session:
    """The open workers, the tracker and the stop flag of a command that trains.

    Attributes
    ----------
    is_stopped : callable
        Whether the user has asked the command to stop.
    is_local : bool
        Whether the workers are processes of this machine, started for this command.
    """

    workers: Workers
    tracker: Tracker
    is_stopped: Callable[[], bool]
    is_local: bool = True

    def worker_tags(self) -> dict[str, str]:
        """Tags of what a cluster's workers compute with; empty for local ones, or when stopped.

        Waits for the first of the workers.
        """
        if self.is_local:
            return {}
        while (found := self.workers.fingerprint) is None and not self.is_stopped():
            time.sleep(0.1)
        return worker_tags(found)

    def run(
        self,
        trials: TrialSource,
        recorder: TrialRecorder,
        checkpoints: Checkpoints,
        progress: Progress,
        *callbacks: Callback,
        retries: int = RETRIES,
    ) -> bool:
        """Train until no trial is left; return False if stopped by the user, with states saved.

        Raises
        ------
        MnistSeqError
            If the search or a training cannot go on; the states are saved.
        """
        with open_display(progress) as display:
            driver = Driver(
                trials,
                self.workers,
                [*display, recorder, *callbacks],
                checkpoints,
                data_of,
                retries,
                self.tracker.idle,
            )
            try:
                is_complete = driver.run(self.is_stopped)
            except Exception:
                recorder.interrupt()
                raise
            if not is_complete:  # before the display ends, which fails on a terminal that is gone
                recorder.interrupt()
        return is_complete


def data_of(config: Config) -> Dataset:
    """Return the config's dataset without its test split, cached."""
    return training_data(config.data)


@contextlib.contextmanager
def open_session(workspace: Workspace, workers: WorkersConfig) -> Iterator[Session]:
    """Context manager: open workers and tracker, handle stop signals, and close all at the end."""
    if workers.scheduler is not None and not workers.scheduler.startswith(("tls://", *LOOPBACK)):
        say(
            f"{workers.scheduler} asks nobody who they are: whoever reaches it can run code there; "
            "use tls://, or a network of your own",
            style="yellow",
        )
    with (
        short_switch_interval(),
        stop_when_asked() as is_stopped,
        Tracker(workspace.store, warn=say) as tracker,
        open_workers(workers, FUNCTIONS, say) as pool,
    ):
        yield Session(pool, tracker, is_stopped, workers.scheduler is None)


@contextlib.contextmanager
def short_switch_interval() -> Iterator[None]:
    """Context manager: shorten Python's thread switch interval.

    While MLflow is written, by a thread of its own, the driver would wait 5 ms, Python's default,
    whenever it comes back from the disk: several times an epoch.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
