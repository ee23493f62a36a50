"""Convert command-line words to Hydra overrides: text stays as typed, errors give hints.

Hydra's own grammar gives a meaning to ``=``, ``{``, ``$``, ``,`` and to words like ``1e5``. Where a
setting is text, what was typed is that text.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, Quote, QuotedString
from hydra.errors import HydraException
from pydantic.fields import FieldInfo

from mnist_seq.composition.config_files import CHOICES, RANGE, displaced
from mnist_seq.config.commands import ChosenRun
from mnist_seq.config.settings import Config, Settings
from mnist_seq.config.validation import (
    closest,
    is_group,
    is_optional,
    is_text,
    nearest,
    settings,
    takes_list,
    takes_texts,
)
from mnist_seq.errors import ConfigError
from mnist_seq.invocation import command_text

SPACE = "search.space"
VALUES = "values"
PARTS = {*RANGE, *CHOICES, "when"}
MOST_CHOICES = 12


def overrides_for_hydra(
    kind: type[Settings], groups: Mapping[str, Sequence[str]], typed: Sequence[str]
) -> list[str]:
    """Convert the typed words to the overrides that are passed to Hydra.

    Parameters
    ----------
    groups : mapping
        Hydra's config groups and the options of each.

    Raises
    ------
    ConfigError
        If a word names no setting or option, or cannot be read.
    """
    words = [_named(kind, word) for word in typed]
    return [override for word in words for override in _translated(kind, groups, word)]


def _named(kind: type[Settings], word: str) -> str:
    """Return a word as an override: one that stands alone gets the positional setting's name."""
    is_alone = kind.positional is not None and "=" not in word and not word.startswith(("-", "~"))
    return f"{kind.positional}={word}" if is_alone else word


def _translated(
    kind: type[Settings], groups: Mapping[str, Sequence[str]], word: str
) -> Iterator[str]:
    _check_form(kind, word)
    key, equals, value = word.partition("=")
    path = key.lstrip("+~")
    field = settings(kind).get(path)
    if path in groups:
        options = groups[path]
        if equals and value not in options:
            allowed = " or ".join(options)
            raise ConfigError(f"{path}={value}: must be {allowed}{nearest(value, options)}")
        yield word
    elif field is not None and equals and _is_one_text(field, value):
        yield f"{key}={_quoted(value, field)}"
    else:
        _check_path(kind, groups, path)
        override = _parsed(word)
        _check_one_value(kind, path, value, override)
        if path == SPACE or path.startswith(f"{SPACE}."):
            yield from _in_space(word, path, override)
        else:
            is_put_in = _open_group(kind, path) is not None and not override.is_delete()
            yield f"++{word.lstrip('+')}" if is_put_in else word


def _is_one_text(field: FieldInfo, value: str) -> bool:
    is_list = value.startswith("[") or "," in value
    return is_text(field) or (takes_texts(field) and not is_list)


def _check_form(kind: type[Settings], word: str) -> None:
    key, equals, value = word.partition("=")
    if any("\ud800" <= letter <= "\udfff" for letter in word):
        raise ConfigError(f"{word!a}: is not text in this terminal's encoding")
    if word.startswith("-"):
        raise ConfigError(f"{word}: {_instead_of_option(key.lstrip('-'), value, settings(kind))}")
    if not key.lstrip("+~") or not (equals or key.startswith("~")):
        raise ConfigError(f"{word}: is not of the form key=value")


def _parsed(word: str) -> Override:
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException as error:
        raise ConfigError(f"{_cut(str(error).splitlines()[0])} (in {_cut(word)})") from None
    except RecursionError:
        raise ConfigError(f"{_cut(word)}: is nested too deeply") from None


def _check_path(kind: type[Settings], groups: Mapping[str, Sequence[str]], path: str) -> None:
    """Raise a ConfigError if a path is neither a setting nor a group nor a part of either."""
    known = list(settings(kind))
    if SPACE in known and path.startswith(f"{SPACE}."):
        # A search space is open: any setting may be put into it.
        *place, part = path.removeprefix(f"{SPACE}.").split(".")
        target, tail = ".".join(place), f".{part}"
        if part not in PARTS:
            target, tail = f"{target}{tail}".lstrip("."), ""
        if ".when" in target or _is_within(target, settings(Config)):
            return
        found = closest(target, settings(Config))
        hint = f"; did you mean {SPACE}.{found}{tail}?" if found else ""
        raise ConfigError(f"{path}: {target} is not a setting{hint}")
    if not _is_within(path, known):
        raise ConfigError(f"{path}: {_why_not(kind, path, [*known, *groups])}")
    group = _open_group(kind, path)
    if group is not None:
        within = [f"{VALUES}.{each}" if group == VALUES else each for each in settings(Config)]
        if path not in within and path != group:
            raise ConfigError(f"{path}: is not a setting{nearest(path, within)}")


def _open_group(kind: type[Settings], path: str) -> str | None:
    """The group that a path is in, if that takes any setting of a training; else None."""
    group = path.partition(".")[0]
    field = settings(kind).get(group)
    return group if field is not None and is_group(field) else None


def _why_not(kind: type[Settings], path: str, known: Sequence[str]) -> str:
    """Say why a path is no setting of a command."""
    if issubclass(kind, ChosenRun) and path in settings(Config):
        return "is as in the earlier run, and cannot be changed"
    if path.startswith("search.") and SPACE not in known:
        return f"is a setting of {command_text('sweep')}"
    return f"is not a setting{nearest(path, known)}"


def _is_within(path: str, known: Mapping[str, Any] | Sequence[str]) -> bool:
    """Whether a path is a setting, a group of settings or a part of a setting."""
    return any(f"{path}.".startswith(f"{p}.") or f"{p}.".startswith(f"{path}.") for p in known)


def _quoted(value: str, field: FieldInfo) -> str:
    """Quote text for Hydra, unless it is null or in Hydra's own quotes."""
    if value.lower() == "null" and is_optional(field):
        return value
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        try:
            OverridesParser.create().parse_override(f"text={value}")
        except HydraException:
            pass  # such quotes are a part of the text
        else:
            return value
    # OmegaConf reads ${ as a reference to another setting; a backslash before it is text as well.
    plain = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)
    return QuotedString(plain, Quote.single).with_quotes()


def _in_space(word: str, path: str, override: Override) -> Iterator[str]:
    """Yield the overrides for a search space; a mapping replaces the earlier value."""
    if override.is_delete():
        yield word
        return
    if isinstance(override.value(), dict) and not word.startswith("+"):
        yield f"++{path}=null"
    part = path.rpartition(".")[2]
    yield f"++{word.lstrip('+')}"
    for other in displaced(part):
        yield f"++{path.removesuffix(part)}{other}=null"


def _check_one_value(kind: type[Settings], path: str, value: str, override: Override) -> None:
    """Refuse several values for one setting, and say how they are searched."""
    known = settings(kind)
    is_mapping = not override.is_delete() and isinstance(override.value(), dict)
    if path in Config.model_fields.keys() - settings(Config).keys() and not is_mapping:
        raise ConfigError(f"{path}: must be a group of settings (got {_cut(value)})")
    target = path.removeprefix(f"{SPACE}.").removesuffix(".choices")
    if not override.is_sweep_override():
        is_list = isinstance(override.value(), list) and not path.endswith(".choices")
        if not (is_list or (is_mapping and target == path)) or target not in settings(Config):
            return
    message = f"{path}: takes one value (got {_cut(value)})"
    if path in known and takes_list(known[path]):
        raise ConfigError(f"{path}: several are written as {path}=[{_cut(value)}]")
    if target not in settings(Config):
        raise ConfigError(message)
    searched = _searched(target, value, override)
    suggested = shlex.join(searched) if SPACE in known else command_text("sweep", *searched)
    raise ConfigError(f"{message}; to search: {suggested}")


def _searched(path: str, value: str, override: Override) -> list[str]:
    """Overrides that search the values which were typed for one setting."""
    if not override.is_sweep_override():
        return [f"{SPACE}.{path}{'=' if value.startswith('{') else '.choices='}{value}"]
    if override.is_interval_sweep():
        sweep = override.value()
        assert isinstance(sweep, IntervalSweep)
        return [f"{SPACE}.{path}.low={sweep.start:g}", f"{SPACE}.{path}.high={sweep.end:g}"]
    options = list(islice(override.sweep_string_iterator(), MOST_CHOICES + 1))
    if override.is_range_sweep() and len(options) > MOST_CHOICES:
        *_, last = override.sweep_string_iterator()
        return [f"{SPACE}.{path}.low={options[0]}", f"{SPACE}.{path}.high={last}"]
    return [f"{SPACE}.{path}.choices=[{','.join(options)}]"]


def _instead_of_option(name: str, value: str, known: Mapping[str, Any]) -> str:
    """Say what to write instead of an option that begins with a dash."""
    if name in {"m", "multirun"}:
        return f"the sweep tries many values by itself, as in '{SPACE}.model.units.choices=[8,16]'"
    found = closest(name.replace("-", "_"), known)
    if found is not None:
        return f"settings are written without dashes: {found}={value or '...'}"
    return "is not an option; there are key=value, --cfg job and --help"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
