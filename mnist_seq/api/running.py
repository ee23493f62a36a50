"""Run a command's validated settings; the command line and Python's functions both end here.

What can be refused is refused before the slow libraries are loaded, so they are imported inside.
"""

from typing import TYPE_CHECKING

from mnist_seq.config.commands import (
    InspectConfig,
    ReportConfig,
    RerunConfig,
    SensitivityConfig,
    SweepConfig,
    TrainConfig,
)
from mnist_seq.data.load import training_data
from mnist_seq.errors import StoppedError, TrainingError
from mnist_seq.search.space import check
from mnist_seq.workers import forkserver

if TYPE_CHECKING:
    from mnist_seq.api.rerun import Rerun
    from mnist_seq.api.sensitivity import Sensitivity
    from mnist_seq.api.study import Study
    from mnist_seq.api.trained_run import TrainedRun
    from mnist_seq.driver.written_page import WrittenPage


def run_sweep(config: SweepConfig, command: str) -> "Study":
    """Run the configured search, or resume the study that was started with these settings.

    Parameters
    ----------
    command : str
        Noted with the study: typed in a shell, it does the same.
    """
    check(config, config.search)
    training_data(config.data)
    if config.workers.scheduler is None:
        forkserver.start()
    from mnist_seq.api.study import Study
    from mnist_seq.driver.sweep import sweep
    from mnist_seq.driver.workspace import Workspace

    result = sweep(config, command)
    if not result.is_complete:
        raise StoppedError
    if result.progress.count("failed") == len(result.progress.outcomes):
        raise TrainingError("every trial of the study ended without a result")
    return Study(result.study, Workspace(config.tracking), result.page)


def run_training(config: TrainConfig, command: str) -> "TrainedRun":
    """Train one network as configured."""
    training_data(config.data)
    if config.workers.scheduler is None:
        forkserver.start()
    from mnist_seq.api.trained_run import TrainedRun
    from mnist_seq.driver.train import train
    from mnist_seq.driver.workspace import Workspace

    run_id = train(config, command)
    workspace = Workspace(config.tracking)
    return TrainedRun(workspace, workspace.results.run(run_id))


def run_report(config: ReportConfig) -> "WrittenPage":
    """Write a study's report once, or again and again while its sweep runs."""
    from mnist_seq.driver.follow import follow
    from mnist_seq.driver.report import report

    return follow(config) if config.follow else report(config)


def run_inspection(config: InspectConfig, command: str) -> "WrittenPage":
    """Look inside a network, or at two side by side."""
    if config.against is not None:
        from mnist_seq.driver.compare_runs import compare_runs

        return compare_runs(config, config.against, command)
    from mnist_seq.driver.inspect import inspect_run

    return inspect_run(config, command)


def run_rerun(config: RerunConfig, command: str) -> "Rerun":
    """Train configs of earlier runs again, and score the test images."""
    from mnist_seq.api.rerun import as_rerun
    from mnist_seq.driver.rerun import rerun
    from mnist_seq.driver.workspace import Workspace

    result = rerun(config, command)
    return as_rerun(Workspace(config.tracking), result)


def run_sensitivity(config: SensitivityConfig, command: str) -> "Sensitivity":
    """Train variations of an earlier run's config."""
    from mnist_seq.api.sensitivity import as_sensitivity
    from mnist_seq.driver.sensitivity import sensitivity

    return as_sensitivity(sensitivity(config, command))
