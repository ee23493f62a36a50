"""Write a study's report: ``python -m experiments.report``."""

from experiments.command_line import command
from mnist_seq.config import ReportConfig


@command(ReportConfig)
def main(config: ReportConfig) -> None:
    """Write what a study found as one HTML page, to be opened anywhere or sent to a friend.

    Examples
    --------
      python -m experiments.report                         the latest study
      python -m experiments.report study=NAME file=found.html
    """
    from mnist_seq.driver.report import report

    report(config)


if __name__ == "__main__":
    main()
