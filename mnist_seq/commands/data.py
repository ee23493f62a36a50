"""Look at the images before anything is trained."""

from functools import partial

from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Page
from mnist_seq.config.commands import ShowDataConfig


@command(ShowDataConfig)
def main(config: ShowDataConfig, typed: str) -> Made:
    """Show what a data setting gives: counts, doubts, and a page of images of each class.

    The page shows them as the network sees them; of the test images only labels and repetitions
    are looked at. Examples:

      python -m experiments.data                           MNIST
      python -m experiments.data data=images data.folder=letters
      python -m experiments.data data=csv data.train_file=a.csv data.test_file=b.csv
    """
    from mnist_seq.driver.show_data import show_data

    return partial(Page.of, "data", show_data(config, typed))
