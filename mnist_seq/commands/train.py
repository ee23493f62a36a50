"""Train once."""

from mnist_seq.commands.command import command
from mnist_seq.config import TrainConfig
from mnist_seq.data.load import training_data
from mnist_seq.workers import forkserver


@command(TrainConfig)
def main(config: TrainConfig, typed: str) -> None:
    """Train one network; its curve and its best weights are kept in MLflow.

    Examples
    --------
      python -m experiments.train model.units=128 training.epochs=20
      python -m experiments.train experiment=seed          the original experiment
      python -m experiments.train data=csv data.train_file=a.csv data.test_file=b.csv
    """
    training_data(config.data)
    # Only now, when nothing is left to refuse, are the slow libraries loaded.
    forkserver.start(config.workers)
    from mnist_seq.driver.train import train
    from mnist_seq.terminal.summary import print_next_commands

    run_id = train(config, typed)
    print_next_commands(
        config.tracking,
        (f"ui study={config.name}", "its curves"),
        (f"rerun run={run_id}", "train it again, and score the test images"),
    )
