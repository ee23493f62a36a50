"""Train once."""

from functools import partial

from mnist_seq.api.running import run_training
from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Train
from mnist_seq.config.commands import TrainConfig


@command(TrainConfig)
def main(config: TrainConfig, typed: str) -> Made:
    """Train one network; its curve and its best weights are kept in MLflow.

    Examples
    --------
      python -m experiments.train model.units=128 training.epochs=20
      python -m experiments.train experiment=seed          the original experiment
      python -m experiments.train data=csv data.train_file=a.csv data.test_file=b.csv
    """
    run = run_training(config, typed)
    from mnist_seq.terminal.summary import print_next_commands

    print_next_commands(
        config.tracking,
        (f"ui study={config.name}", "its curves"),
        (f"rerun run={run.run_id}", "train it again, and score the test images"),
    )
    return partial(Train.of, run)
