"""Write a study as tables: ``python -m experiments.export``."""

from experiments.command_line import command
from mnist_seq.config import ExportConfig


@command(ExportConfig)
def main(config: ExportConfig) -> None:
    """Write a study's trials and curves as CSV and Parquet files for pandas, R or a spreadsheet.

    Examples
    --------
      python -m experiments.export                         the latest study
      python -m experiments.export study=NAME format=csv folder=found
    """
    from mnist_seq.driver.export import export

    export(config)


if __name__ == "__main__":
    main()
