"""The text that ``--help`` prints: each setting with its default, its meaning and its range."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnist_seq.config.settings import Settings, flatten, scalar_text
from mnist_seq.config.validation import allowed, settings
from mnist_seq.invocation import command_text

NAME_WIDTH = 38


def help_text(
    name: str,
    description: str,
    kind: type[Settings],
    defaults: Mapping[str, Any],
    groups: list[Path],
) -> str:
    """Text that ``--help`` prints: all settings of a command.

    Sets of settings are the YAML files in the folders of `groups`.
    """
    values = flatten(defaults)
    lines = [
        f"usage: {command_text(name)} [key=value ...] [--json] [--cfg job] [--help]",
        "",
        description.replace(f"python -m experiments.{name}", command_text(name)),
    ]
    if groups:
        lines += ["", "sets of settings:"]
    for folder in groups:
        lines.append(_row(folder.name, " | ".join(sorted(f.stem for f in folder.glob("*.yaml")))))
    lines += ["", "settings and their defaults:"]
    for path, field in settings(kind).items():
        limits = allowed(field)
        meaning = f"{field.description} ({limits})" if limits else str(field.description)
        default = values.get(path, [])
        shown = path if isinstance(default, list) else f"{path}={scalar_text(default)}"
        lines.append(_row(shown, meaning))
    lines += ["", _row("--json", "print results as one JSON object, all else to standard error")]
    lines += [_row("--cfg job", "print the whole config, and do nothing")]
    return "\n".join(lines)


def _row(name: str, meaning: str) -> str:
    gap = "" if len(name) < NAME_WIDTH else "\n" + " " * (NAME_WIDTH + 2)
    return f"  {name:{NAME_WIDTH}}{gap}{meaning}"
