"""Run a command with what was typed after it: compose its settings, or tell of them."""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import TypeVar

import yaml

from mnist_seq.commands.endings import told_in_a_line
from mnist_seq.commands.help_text import help_text
from mnist_seq.composition.compose import CONF, compose, config_groups
from mnist_seq.config import Settings
from mnist_seq.invocation import command_text
from mnist_seq.terminal.encoding import write_what_can_be_written
from mnist_seq.validation import validate

AnySettings = TypeVar("AnySettings", bound=Settings)


def command(
    kind: type[AnySettings],
) -> Callable[[Callable[[AnySettings, str], None]], Callable[[], None]]:
    """Decorator: turn a function of a config into a command that reads `sys.argv`.

    The function also gets the command as it was typed, quoted so that it can be run again.
    A mistake in the input is one line on the terminal and exit code 2.

    Parameters
    ----------
    kind : type of Settings
        What the command takes; ``conf/<module>.yaml`` holds its defaults.
    """

    def decorate(main: Callable[[AnySettings, str], None]) -> Callable[[], None]:
        name = main.__module__.rpartition(".")[2]

        @functools.wraps(main)
        def run() -> None:
            words = sys.argv[1:]
            write_what_can_be_written()
            with told_in_a_line(command_text(name, *words)):
                _run(name, kind, main, words)

        return run

    return decorate


def _run(
    name: str,
    kind: type[AnySettings],
    main: Callable[[AnySettings, str], None],
    words: list[str],
) -> None:
    typed = command_text(name, *words)
    if {"-h", "--help"} & set(words):
        defaults, groups = compose(name, kind, []), [CONF / group for group in config_groups(name)]
        print(help_text(name, inspect.getdoc(main) or "", kind, defaults, groups))
        return
    show_only = "--cfg" in words
    if show_only:  # Hydra's own spelling: --cfg job
        at = words.index("--cfg")
        del words[at : at + 2]
    values = compose(name, kind, words)
    config = validate(kind, values)
    if show_only:
        print(yaml.safe_dump(values, sort_keys=False), end="")
    else:
        main(config, typed)
