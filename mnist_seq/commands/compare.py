"""Put studies beside each other."""

from mnist_seq.commands.command import command
from mnist_seq.commands.output import Page
from mnist_seq.config import CompareConfig


@command(CompareConfig)
def main(config: CompareConfig, typed: str) -> Page:
    """Put two to six studies on one page: their bests, curves, settings, and what each says.

    Examples
    --------
      python -m experiments.compare                        the two latest studies
      python -m experiments.compare 'studies=[NAME,OTHER]' file=beside.html
    """
    from mnist_seq.driver.compare_studies import compare_studies

    return Page.of("compare", compare_studies(config, typed))
