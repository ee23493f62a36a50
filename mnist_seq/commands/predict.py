"""Read images with a trained network."""

from mnist_seq.commands.command import command
from mnist_seq.commands.output import Predicted
from mnist_seq.config import PredictConfig


@command(PredictConfig)
def main(config: PredictConfig, _typed: str) -> Predicted:
    """Say what images of single characters show, with the network of an earlier run.

    Examples
    --------
      python -m experiments.predict image=a.png            the best of the latest study
      python -m experiments.predict image=[a.png,b.png] study=NAME trial=7
      python -m experiments.predict image=letters on_bad_image=skip
    """
    from mnist_seq.driver.predict import predict

    return Predicted.of(predict(config))
