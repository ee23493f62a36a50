"""Write a study as tables, or a network for programs without Keras."""

from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Files
from mnist_seq.config.commands import ExportConfig


@command(ExportConfig)
def main(config: ExportConfig, _typed: str) -> Made:
    """Write a study's trials and curves as CSV and Parquet files, or one network as ONNX or LiteRT.

    Examples
    --------
      python -m experiments.export                         the latest study's tables
      python -m experiments.export study=NAME format=csv folder=found
      python -m experiments.export format=onnx             its best network
      python -m experiments.export format=litert study=NAME trial=7
    """
    if config.format == "onnx" or config.format == "litert":
        from mnist_seq.driver.export_network import export_network

        files = export_network(config, config.format)
    else:
        from mnist_seq.driver.export import export

        files = export(config)
    return lambda: Files(files={name: str(path) for name, path in files.items()})
