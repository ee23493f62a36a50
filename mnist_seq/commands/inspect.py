"""Look inside a network."""

from mnist_seq.commands.command import command
from mnist_seq.config import InspectConfig


@command(InspectConfig)
def main(config: InspectConfig, typed: str) -> None:
    """Show how a trained network reads, row by row, where it errs, and how sure it is.

    Examples
    --------
      python -m experiments.inspect                        the best of the latest study
      python -m experiments.inspect study=NAME trial=7 images=12
      python -m experiments.inspect part=test              on the test images
      python -m experiments.inspect against=baseline       two networks side by side
      python -m experiments.inspect trial=7 against=3
    """
    if config.against is not None:
        from mnist_seq.driver.compare_runs import compare_runs

        compare_runs(config, config.against, typed)
        return
    from mnist_seq.driver.inspect import inspect_run

    inspect_run(config, typed)
