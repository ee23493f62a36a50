"""Look inside a network."""

from functools import partial

from mnist_seq.api.running import run_inspection
from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Page
from mnist_seq.config.commands import InspectConfig


@command(InspectConfig)
def main(config: InspectConfig, typed: str) -> Made:
    """Show how a trained network reads, row by row, where it errs, and how sure it is.

    Examples
    --------
      python -m experiments.inspect                        the best of the latest study
      python -m experiments.inspect study=NAME trial=7 images=12
      python -m experiments.inspect part=test              on the test images
      python -m experiments.inspect against=baseline       two networks side by side
      python -m experiments.inspect trial=7 against=3
    """
    return partial(Page.of, "inspect", run_inspection(config, typed))
