"""The program ``mnist-seq``: every command by its name, wherever the package is installed."""

import importlib
import sys

from mnist_seq import __version__
from mnist_seq.commands.completion import completion_script
from mnist_seq.commands.endings import errors_as_one_line
from mnist_seq.config.commands import (
    CompareConfig,
    DrawConfig,
    ExportConfig,
    InspectConfig,
    PredictConfig,
    ReportConfig,
    RerunConfig,
    SchedulerConfig,
    SensitivityConfig,
    ShowDataConfig,
    SweepConfig,
    TrainConfig,
    UiConfig,
    WorkerConfig,
)
from mnist_seq.config.settings import Settings
from mnist_seq.config.validation import nearest
from mnist_seq.driver.signals import leave_when_asked
from mnist_seq.errors import ConfigError
from mnist_seq.invocation import PROGRAM

# What each takes, and what it is for.
COMMANDS: dict[str, tuple[type[Settings], str]] = {
    "sweep": (SweepConfig, "search for the best settings"),
    "train": (TrainConfig, "train one network"),
    "ui": (UiConfig, "look at the runs"),
    "rerun": (RerunConfig, "train the best again, and score the test images"),
    "sensitivity": (SensitivityConfig, "change one hyperparameter at a time"),
    "report": (ReportConfig, "write what a study found as a page"),
    "inspect": (InspectConfig, "look inside a network"),
    "predict": (PredictConfig, "read your own images with a network"),
    "draw": (DrawConfig, "draw a character, and watch a network read it"),
    "compare": (CompareConfig, "put studies beside each other"),
    "data": (ShowDataConfig, "look at the images before anything is trained"),
    "export": (ExportConfig, "write a study as tables, or a network as ONNX or LiteRT"),
    "scheduler": (SchedulerConfig, "start a cluster of several machines"),
    "worker": (WorkerConfig, "let this machine train for a cluster"),
}


def main() -> None:
    """Run the command that is named first, with the words that follow it."""
    leave_when_asked()
    program, *words = sys.argv
    name, *rest = words or ["--help"]
    if name in COMMANDS:
        sys.argv = [program, *rest]
        importlib.import_module(f"mnist_seq.commands.{name}").main()
        return
    with errors_as_one_line(PROGRAM):
        if name in {"-h", "--help"}:
            print(_usage())
        elif name == "--version":
            print(__version__)
        elif name == "--completion":
            kinds = {each: kind for each, (kind, _) in COMMANDS.items()}
            print(completion_script(kinds), end="")
        else:
            known = f"must be {', '.join(COMMANDS)}{nearest(name, COMMANDS)}"
            raise ConfigError(f"{name!a}: is not a command; {known}")


def _usage() -> str:
    rows = [f"  {name:14}{what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            f"usage: {PROGRAM} command [key=value ...]",
            "",
            *rows,
            "",
            f"{PROGRAM} command --help tells the settings of a command,",
            f'eval "$({PROGRAM} --completion)" lets bash or zsh complete them.',
        ]
    )
