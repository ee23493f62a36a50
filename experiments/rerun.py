"""Train the best again: ``python -m experiments.rerun``."""

from experiments.command_line import command, command_line
from mnist_seq.config import RerunConfig


@command(RerunConfig)
def main(config: RerunConfig) -> None:
    """Train a study's best config again, compare the curve, and score the test images.

    Examples
    --------
      python -m experiments.rerun                          the best of the latest study
      python -m experiments.rerun study=NAME trial=7 seeds=5
    """
    from mnist_seq.driver.rerun import rerun

    rerun(config, command_line())


if __name__ == "__main__":
    main()
