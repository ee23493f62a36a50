"""Read images with a trained network."""

from functools import partial
from pathlib import Path

from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import PageRead, Predicted
from mnist_seq.config.commands import PredictConfig
from mnist_seq.errors import ConfigError


@command(PredictConfig)
def main(config: PredictConfig, _typed: str) -> Made:
    """Read images of single characters, or a whole page, with the network of an earlier run.

    Examples
    --------
      python -m experiments.predict image=a.png            the best of the latest study
      python -m experiments.predict 'image=[a.png,b.png]' study=NAME trial=7
      python -m experiments.predict image=letters on_bad_image=skip
      python -m experiments.predict image=a.png champion=letters   a registered champion
      python -m experiments.predict page=scan.png          lines of characters on paper
    """
    if config.page is not None:
        from mnist_seq.driver.read_page import read_page

        return partial(PageRead.of, read_page(config, Path(config.page)))
    if config.image is None:
        raise ConfigError("image or page: must name what is to be read, as in image=a.png")
    from mnist_seq.driver.read_images import read_images

    return partial(Predicted.of, read_images(config, config.image))
