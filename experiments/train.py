"""Train once: ``python -m experiments.train``."""

from experiments._command import command, command_line
from experiments._data import data_of
from mnist_seq import forkserver
from mnist_seq.config import TrainConfig


@command(TrainConfig)
def main(config: TrainConfig) -> None:
    """Train one network; its curve and its best weights are kept in MLflow.

    Examples
    --------
      python -m experiments.train model.units=128 training.epochs=20
      python -m experiments.train experiment=seed          the original experiment
      python -m experiments.train data=csv data.train_file=a.csv data.test_file=b.csv
    """
    data_of(config)
    # Only now, when nothing is left to refuse, are the slow libraries loaded.
    forkserver.start(config.workers)
    from experiments._single import train_once

    train_once(config, command_line())


if __name__ == "__main__":
    main()
