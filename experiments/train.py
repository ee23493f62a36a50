"""Train once: ``python -m experiments.train``."""

from experiments._command import command, command_line
from mnist_seq.config import TrainConfig


@command(TrainConfig)
def main(config: TrainConfig) -> None:
    """Train one network; the run is in MLflow, its curve and its best network with it."""
    from experiments._single import train_once

    train_once(config, command_line())


if __name__ == "__main__":
    main()
