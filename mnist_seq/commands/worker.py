"""Let this machine train for a cluster."""

from collections.abc import Iterator

from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Worker
from mnist_seq.config.commands import WorkerConfig


@command(WorkerConfig)
def main(config: WorkerConfig, _typed: str) -> Iterator[Made]:
    """Train for the scheduler of a cluster: one process a core, until Ctrl-C.

    A scheduler that is not there, or is lost, is waited for. Examples:

      python -m experiments.worker tcp://192.0.2.1:8786
      python -m experiments.worker tcp://192.0.2.1:8786 count=4
    """
    from mnist_seq.driver.signals import stop_when_asked
    from mnist_seq.terminal.display import say
    from mnist_seq.workers.serve import run_workers, worker_count

    yield lambda: Worker(scheduler=config.scheduler, processes=worker_count(config))
    with stop_when_asked() as is_stopped:
        run_workers(config, is_stopped, say)
