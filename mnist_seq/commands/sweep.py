"""The ``sweep`` command: search for the best settings."""

from functools import partial

from mnist_seq.api.running import run_sweep
from mnist_seq.commands.command import Made, command
from mnist_seq.commands.output import Sweep
from mnist_seq.config.commands import SweepConfig


@command(SweepConfig)
def main(config: SweepConfig, typed: str) -> Made:
    """Search for the best settings; every trial is a run in MLflow.

    The same command again goes on where it was stopped. Examples:

      python -m experiments.sweep                          the default search, on MNIST
      python -m experiments.sweep data=digits              a first try, in a minute
      python -m experiments.sweep search.trials=40         more trials of the same study
      python -m experiments.sweep search.trials=auto       until more trials promise too little
      python -m experiments.sweep 'search.objective=[validation_accuracy,parameters]'
      python -m experiments.sweep search.space.model.units.high=256
      python -m experiments.sweep 'search.space.training.optimizer.choices=[adam,adamw,sgd]'
    """
    study = run_sweep(config, typed)
    from mnist_seq.terminal.summary import print_next_commands

    commands = [(f"ui study={study.name}", "compare the runs")]
    if study.has_best:
        again = "train the best again, and score the test images"
        commands.append((f"rerun study={study.name}", again))
        if config.search.costs:
            of_front = "the same for a trial of the front: here the cheapest"
            cheapest = study.front["trial"].iloc[0]
            commands.append((f"rerun study={study.name} trial={cheapest}", of_front))
        varied = "change one setting of the best at a time, and see what it does"
        commands.append((f"sensitivity study={study.name}", varied))
    print_next_commands(config.tracking, *commands)
    return partial(Sweep.of, study)
