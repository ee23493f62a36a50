"""Put studies beside each other: ``python -m experiments.compare studies=[a,b]``."""

from experiments.command_line import command, command_line
from mnist_seq.config import CompareConfig


@command(CompareConfig)
def main(config: CompareConfig) -> None:
    """Put two to six studies on one page: their bests, curves, settings, and what each says.

    Examples
    --------
      python -m experiments.compare                        the two latest studies
      python -m experiments.compare 'studies=[NAME,OTHER]' file=beside.html
    """
    from mnist_seq.driver.compare_studies import compare_studies

    compare_studies(config, command_line())


if __name__ == "__main__":
    main()
