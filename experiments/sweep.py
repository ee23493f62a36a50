"""Search: ``python -m experiments.sweep``."""

from experiments.command_line import command, command_line
from mnist_seq.config import SweepConfig
from mnist_seq.data.load import training_data
from mnist_seq.errors import StoppedError, TrainingError
from mnist_seq.search.space import check
from mnist_seq.workers import forkserver


@command(SweepConfig)
def main(config: SweepConfig) -> None:
    """Search for the best settings; every trial is a run in MLflow.

    The same command again goes on where it was stopped. Examples:

      python -m experiments.sweep                          the default search, on MNIST
      python -m experiments.sweep data=digits              a first try, in a minute
      python -m experiments.sweep search.trials=40         more trials of the same study
      python -m experiments.sweep search.trials=auto       until more trials promise too little
      python -m experiments.sweep search.space.model.units.high=256
      python -m experiments.sweep 'search.space.training.optimizer.choices=[adam,adamw,sgd]'
    """
    check(config, config.search)
    training_data(config.data)
    # Only now, when nothing is left to refuse, are the slow libraries loaded.
    forkserver.start(config.workers)
    from mnist_seq.driver.sweep import sweep
    from mnist_seq.terminal.summary import print_next_commands

    result = sweep(config, command_line())
    if not result.is_complete:
        raise StoppedError
    if result.progress.count("failed") == len(result.progress.outcomes):
        raise TrainingError("every trial of the study")
    commands = [(f"ui study={result.study}", "compare the runs")]
    if result.progress.count("complete"):
        again = "train the best again, and score the test images"
        commands.append((f"rerun study={result.study}", again))
        varied = "change one setting of the best at a time, and see what it does"
        commands.append((f"sensitivity study={result.study}", varied))
    print_next_commands(config.tracking, *commands)


if __name__ == "__main__":
    main()
