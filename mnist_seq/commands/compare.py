"""Put studies beside each other."""

from functools import partial

from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Page
from mnist_seq.config.commands import CompareConfig


@command(CompareConfig)
def main(config: CompareConfig, typed: str) -> Made:
    """Put two to six studies on one page: their bests, curves, settings, and what each says.

    Examples
    --------
      python -m experiments.compare                        the two latest studies
      python -m experiments.compare 'studies=[NAME,OTHER]' file=beside.html
    """
    from mnist_seq.driver.compare_studies import compare_studies

    return partial(Page.of, "compare", compare_studies(config, typed))
