"""Change one hyperparameter at a time."""

from functools import partial

from mnist_seq.api.running import run_sensitivity
from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Measured
from mnist_seq.config.commands import SensitivityConfig


@command(SensitivityConfig)
def main(config: SensitivityConfig, typed: str) -> Made:
    """Measure what each hyperparameter does: change one at a time, all else as in the best trial.

    The same command again goes on where it was stopped; what was trained before is not trained
    again. Examples:

      python -m experiments.sensitivity                    around the best of the latest study
      python -m experiments.sensitivity seeds=5            the same with more seeds
      python -m experiments.sensitivity 'values.training.batch_size=[28,256]'
      python -m experiments.sensitivity 'pairs=[[model.units,training.learning_rate]]'
    """
    measured = run_sensitivity(config, typed)
    from mnist_seq.terminal.summary import print_next_commands

    print_next_commands(config.tracking, (f"ui study={measured.study}", "compare the runs"))
    return partial(Measured.of, measured)
