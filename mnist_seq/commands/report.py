"""Write a study's report."""

from mnist_seq.commands.command import command
from mnist_seq.config import ReportConfig


@command(ReportConfig)
def main(config: ReportConfig, _typed: str) -> None:
    """Write what a study found as one HTML page, to be opened anywhere or sent to a friend.

    Examples
    --------
      python -m experiments.report                         the latest study
      python -m experiments.report study=NAME file=found.html
      python -m experiments.report follow=true             again and again while its sweep runs
    """
    from mnist_seq.driver.follow import follow
    from mnist_seq.driver.report import report

    if config.follow:
        follow(config)
    else:
        report(config)
