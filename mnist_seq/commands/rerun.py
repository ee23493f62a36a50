"""Train the best again."""

from functools import partial

from mnist_seq.api.running import run_rerun
from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Retrained
from mnist_seq.config.commands import RerunConfig


@command(RerunConfig)
def main(config: RerunConfig, typed: str) -> Made:
    """Train a study's best configs again, compare the curves, and score the test images.

    Examples
    --------
      python -m experiments.rerun                          the best of the latest study
      python -m experiments.rerun study=NAME trial=7 seeds=5
      python -m experiments.rerun top=3 seeds=5            does the search's order hold?
      python -m experiments.rerun seeds=5 training.epochs=30 model.units=96
      python -m experiments.rerun seeds=5 register=letters  into MLflow's registry
    """
    return partial(Retrained.of, run_rerun(config, typed))
