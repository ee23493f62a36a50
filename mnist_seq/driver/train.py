"""Train one config given by the user and record it in MLflow."""

from mnist_seq.config.commands import TrainConfig
from mnist_seq.config.validation import with_values
from mnist_seq.driver.fixed_trials import FixedTrials, trained
from mnist_seq.driver.session import data_of, open_session
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import TrainingError
from mnist_seq.terminal.progress import Progress
from mnist_seq.terminal.summary import print_best_epoch, print_data
from mnist_seq.tracking.provenance import provenance


def train(config: TrainConfig, command: str) -> str:
    """Train the config as a run of the MLflow experiment `config.name`; print its best epoch.

    Returns
    -------
    str
        The id of its MLflow run.

    Raises
    ------
    DataError
        If it was stopped and its images have changed since.
    TrainingError
        If the training failed.
    StoppedError
        If the user stopped it; the same command goes on.
    """
    plain = with_values(config, {})
    progress = Progress(1, config.training.monitor, has_baseline=False)
    trials = FixedTrials([plain])
    workspace = Workspace(config.tracking, create=True)
    data = data_of(plain)
    print_data(data)
    tags = provenance(command, data.digests, config.seed).tags
    with (
        open_session(workspace, config.workers) as session,
        trained(workspace, session, config.name, "training", trials, progress, tags) as recorder,
    ):
        outcome = trials.outcomes[0]
        if outcome.best is None or outcome.state == "failed":
            raise TrainingError(outcome.reason or "no epoch was finished")
        print_best_epoch(progress)
    return recorder.run(0).created.result()
