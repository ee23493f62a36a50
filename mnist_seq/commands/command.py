"""Run a command with its command-line arguments: compose its settings, or print them."""

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias, TypeVar

import yaml

from mnist_seq.commands.endings import errors_as_one_line, exit_code
from mnist_seq.commands.help_text import help_text
from mnist_seq.commands.output import Failed, Output
from mnist_seq.composition.compose import CONF, compose, config_groups
from mnist_seq.config.settings import Settings
from mnist_seq.config.validation import validate
from mnist_seq.errors import ConfigError, MnistSeqError
from mnist_seq.invocation import command_text
from mnist_seq.terminal.encoding import write_what_can_be_written

AnySettings = TypeVar("AnySettings", bound=Settings)
JSON, CFG = "--json", "--cfg"
Made: TypeAlias = Callable[[], Output]  # asked for only where programs read it
Main: TypeAlias = Callable[[AnySettings, str], Made | Iterator[Made]]


def command(
    kind: type[AnySettings],
) -> Callable[[Main[AnySettings]], Callable[[], None]]:
    """Decorator: turn a function of a config into a command that reads `sys.argv`.

    The function also gets the command as it was typed, quoted so that it can be run again. It
    returns, or yields before it waits for something, a function that makes what ``--json`` prints;
    all else that it prints is then for the error output.
    A mistake in the input is one line on the terminal and exit code 2.

    Parameters
    ----------
    kind : type of Settings
        What the command takes; ``conf/<module>.yaml`` holds its defaults.
    """

    def decorate(main: Main[AnySettings]) -> Callable[[], None]:
        name = main.__module__.rpartition(".")[2]

        @functools.wraps(main)
        def run() -> None:
            words = sys.argv[1:]
            typed = command_text(name, *words)
            write_what_can_be_written()
            if JSON in words:
                words.remove(JSON)
                _print_json(_outputs(name, kind, main, words, typed), typed)
            else:
                with errors_as_one_line(typed):
                    for _ in _outputs(name, kind, main, words, typed):
                        pass

        return run

    return decorate


def _outputs(
    name: str,
    kind: type[AnySettings],
    main: Main[AnySettings],
    words: list[str],
    typed: str,
) -> Iterator[Made]:
    """Run a command or print its settings; yield what makes its output for ``--json``."""
    if {"-h", "--help"} & set(words):
        defaults, groups = compose(name, kind, []), [CONF / group for group in config_groups(name)]
        print(help_text(name, inspect.getdoc(main) or "", kind, defaults, groups))
        return
    show_only = CFG in words
    if show_only:
        _take_cfg(words, kind)
    values = compose(name, kind, words)
    config = validate(kind, values)
    if show_only:
        print(yaml.safe_dump(values, sort_keys=False), end="")
        return
    result = main(config, typed)
    if callable(result):
        yield result
    else:
        yield from result


def _take_cfg(words: list[str], kind: type[Settings]) -> None:
    """Take out ``--cfg job``, which is Hydra's own spelling, or ``--cfg`` alone."""
    at = words.index(CFG)
    del words[at]
    following = words[at] if at < len(words) else ""
    if following == "job":
        del words[at]
    elif following and "=" not in following and following[0] not in "-~" and not kind.positional:
        raise ConfigError(f"{CFG} {following}: must be {CFG} job")


def _print_json(outputs: Iterator[Made], typed: str) -> None:
    """Print a command's output as JSON; its messages go to standard error."""
    programs = sys.stdout
    with contextlib.redirect_stdout(sys.stderr), errors_as_one_line(typed):
        try:
            for made in outputs:
                print(made().model_dump_json(), file=programs, flush=True)
        except MnistSeqError as error:
            lines = str(error).splitlines() or ["stopped"]
            failed = Failed(error=lines, exit_code=exit_code(error))
            print(failed.model_dump_json(), file=programs, flush=True)
            raise
