"""Start the scheduler of a cluster."""

from collections.abc import Iterator

from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Scheduler
from mnist_seq.config.commands import SchedulerConfig
from mnist_seq.invocation import command_text


@command(SchedulerConfig)
def main(config: SchedulerConfig, _typed: str) -> Iterator[Made]:
    """Run the Dask scheduler of a cluster: one machine runs it, the workers join it.

    Whoever reaches its address can run code there and on the workers, unless it has certificates.

    Examples
    --------
      python -m experiments.scheduler                      for this machine alone
      python -m experiments.scheduler host=192.0.2.1       for a network of your own
    """
    from mnist_seq.driver.signals import stop_when_asked
    from mnist_seq.terminal.display import console, say
    from mnist_seq.workers.serve import open_scheduler

    with stop_when_asked() as is_stopped, open_scheduler(config) as (address, wait):
        say(f"the scheduler is at {address}; on each machine that is to train:")
        files = [f"{name}=..." for name in ("ca_file", "cert_file") if address.startswith("tls:")]
        say(f"  {command_text('worker', address, *files)}")
        say("and the search, with what else it is given:")
        there = ["workers=cluster", f"workers.scheduler={address}"]
        say(f"  {command_text('sweep', *there, *(f'workers.{file}' for file in files))}")
        console.print("[dim]Ctrl-C ends it.[/]")
        yield lambda: Scheduler(address=address)
        wait(is_stopped)
