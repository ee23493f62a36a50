"""The program ``mnist-seq``: every command by its name, wherever the package is installed."""

import importlib
import sys

from mnist_seq import __version__, config
from mnist_seq.commands.completion import completion_script
from mnist_seq.commands.endings import MISTAKE
from mnist_seq.config import Settings
from mnist_seq.driver.signals import leave_when_asked
from mnist_seq.invocation import PROGRAM
from mnist_seq.validation import nearest

COMMANDS = {
    "sweep": "search for the best settings",
    "train": "train one network",
    "ui": "look at the runs",
    "rerun": "train the best again, and score the test images",
    "sensitivity": "change one hyperparameter at a time",
    "report": "write what a study found as a page",
    "inspect": "look inside a network",
    "compare": "put studies beside each other",
    "export": "write a study as tables",
}


def main() -> None:
    """Run the command that is named first, with the words that follow it."""
    leave_when_asked()
    program, *words = sys.argv
    name, *rest = words or ["--help"]
    if name in COMMANDS:
        sys.argv = [program, *rest]
        importlib.import_module(f"mnist_seq.commands.{name}").main()
    elif name in {"-h", "--help"}:
        print(_usage())
    elif name == "--version":
        print(__version__)
    elif name == "--completion":
        kinds = {each: _settings(each) for each in COMMANDS}
        print(completion_script(kinds), end="")
    else:
        known = f"must be {', '.join(COMMANDS)}{nearest(name, COMMANDS)}"
        print(f"error: {name!a}: is not a command; {known}", file=sys.stderr)
        sys.exit(MISTAKE)


def _settings(name: str) -> type[Settings]:
    """What a command takes: ``sweep`` a SweepConfig."""
    kind: type[Settings] = getattr(config, f"{name.title()}Config")
    return kind


def _usage() -> str:
    rows = [f"  {name:14}{what}" for name, what in COMMANDS.items()]
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
