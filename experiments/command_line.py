"""Turn the command line into a validated config and run the command.

Hydra composes the settings, and no more. A mistake in the input is one line on the terminal and
exit code 2 (`experiments.endings`).
"""

import functools
import inspect
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, TypeVar

import yaml

from experiments.endings import told_in_a_line
from experiments.help_text import help_text
from mnist_seq.config import Settings
from mnist_seq.errors import ConfigError
from mnist_seq.terminal.encoding import write_what_can_be_written
from mnist_seq.validation import validate

CONF = Path(__file__).resolve().parent.parent / "conf"
AnySettings = TypeVar("AnySettings", bound=Settings)


def command(
    kind: type[AnySettings],
) -> Callable[[Callable[[AnySettings], None]], Callable[[], None]]:
    """Decorator: turn a function that takes a config into a command-line entry point.

    Parameters
    ----------
    kind : type of Settings
        What the command takes; ``conf/<module>.yaml`` holds its defaults.
    """

    def decorate(main: Callable[[AnySettings], None]) -> Callable[[], None]:
        @functools.wraps(main)
        def run() -> None:
            name = Path(sys.modules[main.__module__].__file__ or "").stem
            write_what_can_be_written()
            with told_in_a_line(command_line()):
                _run(name, kind, main, sys.argv[1:])

        return run

    return decorate


def _run(
    name: str,
    kind: type[AnySettings],
    main: Callable[[AnySettings], None],
    words: list[str],
) -> None:
    if {"-h", "--help"} & set(words):
        defaults, folders = compose(name, kind, []), [CONF / group for group in _groups(name)]
        print(help_text(name, inspect.getdoc(main) or "", kind, defaults, folders))
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
        main(config)


def compose(name: str, kind: type[Settings], overrides: Sequence[str]) -> dict[str, Any]:
    """Compose a command's settings from its YAML files and the overrides, as plain values.

    Raises
    ------
    ConfigError
        If an override names no setting or no file, or cannot be read.
    """
    # Here, for the processes that train import this file as well, and need none of these.
    from hydra import compose as hydra_compose
    from hydra import initialize
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from experiments.config_files import CHOICES, RANGE, UNREADABLE, check_references, offer
    from experiments.overrides import overrides_for_hydra

    unreadable, groups = offer(CONF), _groups(name)
    prepared = overrides_for_hydra(kind, groups, overrides)
    try:
        with initialize(config_path=None, version_base="1.3"):
            if unreadable:  # of a file in use nothing else can be said
                chosen = [word for word in prepared if word.partition("=")[0] in groups]
                files = hydra_compose(name, chosen)
                if UNREADABLE in files:
                    raise ConfigError(unreadable[files[UNREADABLE]])
            composed = hydra_compose(name, prepared)
        check_references(OmegaConf.to_container(composed, resolve=False))
        values = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise ConfigError(" ".join(str(error).split())) from None
    assert isinstance(values, dict)  # the top of every file is a mapping
    space = values.get("search", {}).get("space")
    if isinstance(space, dict):
        values["search"]["space"] = _without_null(space, {*RANGE, *CHOICES})
    return values  # type: ignore[return-value]  # its keys are texts


def _without_null(space: Mapping[Any, Any], parts: Set[str]) -> dict[Any, Any]:
    """Return a search space without those parts of its dimensions that are null."""
    return {
        key: _without_null(value, parts) if isinstance(value, Mapping) and key != "when" else value
        for key, value in space.items()
        if value is not None or key not in parts
    }


def _groups(name: str) -> dict[str, list[str]]:
    """Return the Hydra config groups in a command's defaults list, and the options of each."""
    lines = (CONF / f"{name}.yaml").read_text("utf-8", "replace").splitlines()
    named = [line.removeprefix("  - ").partition(":")[0] for line in lines if "  - " in line]
    return {
        group: sorted(file.stem for file in (CONF / group).glob("*.yaml"))
        for group in named
        if (CONF / group).is_dir()
    }


def command_line() -> str:
    """Return the command as the user typed it, quoted so that it can be run again."""
    name = Path(sys.argv[0]).stem
    return shlex.join(["python", "-m", f"experiments.{name}", *sys.argv[1:]])
