"""From the command line to a validated config; the only file that knows Hydra.

Hydra composes, and no more. A mistake in the input is one line on the terminal and exit code 2.
"""

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mnist_seq.config import Settings
from mnist_seq.errors import ConfigError, InputError, StoppedError, TrainingError
from mnist_seq.validation import allowed, nearest, settings, validate

CONF = Path(__file__).resolve().parent.parent / "conf"
AnySettings = TypeVar("AnySettings", bound=Settings)


def command(
    kind: type[AnySettings],
) -> Callable[[Callable[[AnySettings], None]], Callable[[], None]]:
    """Make a function of a config a command of its module's name.

    Parameters
    ----------
    kind : type of Settings
        What the command takes; ``conf/<module>.yaml`` holds its defaults.
    """

    def decorate(main: Callable[[AnySettings], None]) -> Callable[[], None]:
        @functools.wraps(main)
        def run() -> None:
            name = Path(sys.modules[main.__module__].__file__ or "").stem
            arguments = _parse(name, main.__doc__ or "", kind)
            try:
                values = compose(name, kind, arguments.overrides)
                config = validate(kind, values)
                if arguments.cfg:
                    print(_yaml(values), end="")
                    return
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
    """Plain values of a command's settings: its YAML files, then the overrides.

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
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(" ".join(str(error).split())) from None
    return values  # type: ignore[return-value]  # the top of every file is a mapping


def _check_override(name: str, kind: type[Settings], override: str) -> None:
    path, equals, value = override.partition("=")
    path = path.lstrip("+~")
    if not equals and not override.startswith("~"):
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
    """Config groups that a command's file draws from."""
    text = (CONF / f"{name}.yaml").read_text()
    return [
        line.strip(" -").partition(":")[0] for line in text.splitlines() if line.startswith("  - ")
    ]


def _parse(name: str, words: str, kind: type[Settings]) -> argparse.Namespace:
    lines = []
    for path, field in settings(kind).items():
        limits = allowed(field)
        lines.append(f"  {path:27} {field.description}" + (f" ({limits})" if limits else ""))
    groups = [
        f"  {group:27} {' | '.join(sorted(file.stem for file in (CONF / group).glob('*.yaml')))}"
        for group in _groups(name)
        if (CONF / group).is_dir()
    ]
    parser = argparse.ArgumentParser(
        prog=f"python -m experiments.{name}",
        usage="%(prog)s [key=value ...] [--cfg job] [--help]",
        description=words,
        epilog="\n".join(["sets of settings, from conf/:", *groups, "", "settings:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="a setting to change")
    parser.add_argument("--cfg", choices=["job"], help="print the whole config and do nothing")
    return parser.parse_args()


def _yaml(values: dict[str, Any]) -> str:
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(OmegaConf.create(values))


def command_line() -> str:
    """The command as it was typed, to be typed again."""
    import shlex

    name = Path(sys.argv[0]).stem
    return shlex.join(["python", "-m", f"experiments.{name}", *sys.argv[1:]])
