"""Turn the command line into a validated config and run the command.

Hydra composes the settings, and no more. A mistake in the input is one line on the terminal and
exit code 2.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from experiments.help_text import help_text
from mnist_seq.config import Settings
from mnist_seq.errors import ConfigError, InputError, StoppedError, TrainingError
from mnist_seq.validation import nearest, settings, validate

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
            overrides = sys.argv[1:]
            if {"-h", "--help"} & set(overrides):
                defaults, groups = compose(name, kind, []), [CONF / g for g in _groups(name)]
                print(help_text(name, inspect.getdoc(main) or "", kind, defaults, groups))
                return
            show_only = "--cfg" in overrides
            if show_only:  # Hydra's own spelling: --cfg job
                at = overrides.index("--cfg")
                del overrides[at : at + 2]
            try:
                values = compose(name, kind, overrides)
                config = validate(kind, values)
                if show_only:
                    print(yaml.safe_dump(values, sort_keys=False), end="")
                else:
                    main(config)
            except InputError as error:
                for line in str(error).splitlines():
                    print(f"error: {line}", file=sys.stderr)
                sys.exit(2)
            except StoppedError:
                print(f"stopped; the same command goes on:\n  {command_line()}")
                sys.exit(130)
            except TrainingError as error:
                print(f"failed: {error}", file=sys.stderr)
                sys.exit(1)

        return run

    return decorate


def compose(name: str, kind: type[Settings], overrides: Sequence[str]) -> dict[str, Any]:
    """Compose a command's settings from its YAML files and the overrides, as plain values.

    Raises
    ------
    ConfigError
        If an override names no setting or no file, or cannot be read.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for override in overrides:
        _check_override(name, kind, override)
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            # A search space is open: any setting may be put into it.
            opened = [f"++{o}" if o.startswith("search.space.") else o for o in overrides]
            composed = hydra_compose(name, opened)
            values = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
            for override in overrides:
                _replace_dimension(values, override.partition("=")[0])
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise ConfigError(" ".join(str(error).split())) from None
    return values  # type: ignore[return-value]  # the top of every file is a mapping


def _replace_dimension(values: Any, path: str) -> None:
    """Drop a range where an override sets choices, and vice versa: Hydra would merge them."""
    groups, _, part = path.lstrip("+").rpartition(".")
    others = {"choices": ("low", "high", "step", "log"), "low": ("choices",), "high": ("choices",)}
    if not groups.startswith("search.space.") or part not in others:
        return
    for group in groups.split("."):
        values = values[group]
    for other in others[part]:
        values.pop(other, None)


def _check_override(name: str, kind: type[Settings], override: str) -> None:
    path, equals, value = override.partition("=")
    path = path.lstrip("+~")
    if not path or not (equals or override.startswith("~")):
        raise ConfigError(f"{override}: is not of the form key=value")
    known = list(settings(kind))
    if path in _groups(name):
        options = sorted(file.stem for file in (CONF / path).glob("*.yaml"))
        if value not in options and equals:
            raise ConfigError(
                f"{path}={value}: must be {' or '.join(options)}{nearest(value, options)}"
            )
    elif path not in known and not path.startswith("search.space."):
        parents = {p.rpartition(".")[0] for p in known}
        if path not in parents and not any(path.startswith(f"{p}.") for p in known):
            raise ConfigError(f"{path}: is not a setting{nearest(path, [*known, *_groups(name)])}")


def _groups(name: str) -> list[str]:
    """Return the Hydra config groups in a command's defaults list."""
    lines = (CONF / f"{name}.yaml").read_text().splitlines()
    named = [line.removeprefix("  - ").partition(":")[0] for line in lines if "  - " in line]
    return [group for group in named if (CONF / group).is_dir()]


def command_line() -> str:
    """Return the command as the user typed it, quoted so that it can be run again."""
    import shlex

    name = Path(sys.argv[0]).stem
    return shlex.join(["python", "-m", f"experiments.{name}", *sys.argv[1:]])
