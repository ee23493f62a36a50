"""Search: ``python -m experiments.sweep``."""

from experiments._command import command, command_line
from mnist_seq.config import SweepConfig
from mnist_seq.space import check


@command(SweepConfig)
def main(config: SweepConfig) -> None:
    """Search for the best settings; every trial is a run in MLflow."""
    check(config, config.search)
    # Only now, when nothing is left to refuse, are the slow libraries loaded.
    from experiments._search import search

    search(config, command_line())


if __name__ == "__main__":
    main()
