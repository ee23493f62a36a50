"""Write a study's report."""

from functools import partial

from mnist_seq.api.running import run_report
from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Page
from mnist_seq.config.commands import ReportConfig


@command(ReportConfig)
def main(config: ReportConfig, _typed: str) -> Made:
    """Write what a study found as one HTML page, to be opened anywhere or sent to a friend.

    Examples
    --------
      python -m experiments.report                         the latest study
      python -m experiments.report study=NAME file=found.html
      python -m experiments.report follow=true             again and again while its sweep runs
    """
    return partial(Page.of, "report", run_report(config))
