"""Write a study as tables."""

from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Files
from mnist_seq.config import ExportConfig


@command(ExportConfig)
def main(config: ExportConfig, _typed: str) -> Made:
    """Write a study's trials and curves as CSV and Parquet files for pandas, R or a spreadsheet.

    Examples
    --------
      python -m experiments.export                         the latest study
      python -m experiments.export study=NAME format=csv folder=found
    """
    from mnist_seq.driver.export import export

    files = export(config)
    return lambda: Files(files={name: str(path) for name, path in files.items()})
