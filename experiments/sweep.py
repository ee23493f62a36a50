"""Search: ``python -m experiments.sweep``."""

from experiments._command import command, command_line
from experiments._data import data_of
from mnist_seq import forkserver
from mnist_seq.config import SweepConfig
from mnist_seq.space import check


@command(SweepConfig)
def main(config: SweepConfig) -> None:
    """Search for the best settings; every trial is a run in MLflow.

    The same command again goes on where it was stopped. Examples:

      python -m experiments.sweep                          the default search, on MNIST
      python -m experiments.sweep data=digits              a first try, in a minute
      python -m experiments.sweep search.trials=40         more trials of the same study
      python -m experiments.sweep search.space.model.units.high=256
      python -m experiments.sweep 'search.space.training.optimizer.choices=[adam,adamw,sgd]'
    """
    check(config, config.search)
    data_of(config)
    # Only now, when nothing is left to refuse, are the slow libraries loaded.
    forkserver.start(config.workers)
    from experiments._search import search

    search(config, command_line())


if __name__ == "__main__":
    main()
