"""Read the YAML files of ``conf/`` and hand them to Hydra; a mistake in one is a file and a line.

Hydra reads files without a limit, and where a file has a range for the choices of another it keeps
both. Here a file is small, and a range takes the place of choices and the other way round.
"""

import io
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mnist_seq.config.settings import flatten
from mnist_seq.errors import ConfigError

MOST_BYTES = 2**16
MOST_VALUES = 10_000  # with every alias written out
RANGE, CHOICES = ("low", "high", "step", "log"), ("choices",)
_ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\\$\{")
_ENVIRONMENT = re.compile(r"\$\{oc\.env:[^${}]*\}")
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
# What stands in the settings for a file that cannot be read: it is an error only where it is used.
UNREADABLE = "unreadable"


def offer(folder: Path) -> dict[str, str]:
    """Give Hydra all files of a folder as its configs; return what is wrong, by file."""
    problems = {}
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*/*.yaml")]):
        group = path.parent.name if path.parent != folder else None
        try:
            state = path.stat()
            package, values = _read(path, folder.parent, state.st_mtime_ns, state.st_size)
        except (OSError, ConfigError) as error:
            name = str(path.relative_to(folder))
            problems[name] = str(error)
            package, values = "_global_", {UNREADABLE: name}
        ConfigStore.instance().store(path.stem, values, group, package)
    return problems


def check_references(values: Any) -> None:
    """Refuse references to references and to groups: a few lines of them can stand for gigabytes.

    Raises
    ------
    ConfigError
        If text with ``${...}`` names anything but settings with plain values, or the environment.
    """
    flat = flatten(values)
    for path, value in flat.items():
        for text in value if isinstance(value, list) else [value]:
            unescaped = _ENVIRONMENT.sub("", _ESCAPED.sub("", str(text)))
            for name in _REFERENCE.findall(unescaped):
                found = flat.get(name, [])
                if isinstance(found, list) or "${" in str(found):
                    raise ConfigError(f"{path}: ${{{name}}} is not a setting with a plain value")
            if "${" in _REFERENCE.sub("", unescaped):
                raise ConfigError(f"{path}: only ${{group.setting}}, ${{oc.env:NAME}} are known")


def displaced(part: str) -> tuple[str, ...]:
    """Return which parts of a search dimension are replaced when another part is given."""
    if part in CHOICES:
        return RANGE
    return CHOICES if part in {"low", "high"} else ()


@lru_cache(maxsize=256)
def _read(path: Path, root: Path, _changed: int, _size: int) -> tuple[str | None, dict[str, Any]]:
    """Return a file's package and values; `_changed` and `_size` tell an edited file apart."""
    name = str(path.relative_to(root))
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{name}: is larger than {MOST_BYTES // 1024} KiB")
    try:
        text = content.decode("utf-8-sig")
        values = _values(text)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}, line {line}: is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}" if mark else name
        raise ConfigError(f"{where}: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{name}, line {line}: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ConfigError(f"{name}: is nested too deeply") from None
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        raise ConfigError(f"{name}: {str(error).splitlines()[0]}") from None
    package = re.search(r"^#\s*@package\s+(\S+)", text, re.MULTILINE)
    return package[1] if package else None, _replacing(values)


def _values(text: str) -> dict[str, Any]:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        problem = "must be settings of the form key: value"
        raise yaml.constructor.ConstructorError(None, None, problem, root.start_mark)
    if _count(root, {}) > MOST_VALUES:
        raise ValueError(f"has more than {MOST_VALUES} values, with its aliases written out")
    loaded = OmegaConf.to_container(OmegaConf.load(io.StringIO(text)))
    assert isinstance(loaded, dict)
    return loaded  # type: ignore[return-value]  # keys that are no text are refused later


def _count(node: yaml.Node, known: dict[int, float]) -> float:
    """Count the values that a node stands for; infinity if it contains itself."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = float("inf")
        parts = node.value
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_count(part, known) for part in parts)
    return known[id(node)]


def _replacing(values: dict[str, Any]) -> dict[str, Any]:
    """Add to each search dimension, as null, the parts that it replaces."""
    result: dict[str, Any] = {}
    for key, value in values.items():
        if not isinstance(value, Mapping):
            result[key] = value
            continue
        target = result
        if {*RANGE, *CHOICES} & value.keys() and isinstance(key, str):
            *groups, key = key.split(".")
            for group in groups:
                target = target.setdefault(group, {})
        gone = {other for part in value for other in displaced(part)} - value.keys()
        earlier = target.get(key)
        target[key] = (earlier if isinstance(earlier, dict) else {}) | _replacing(dict(value))
        target[key] |= dict.fromkeys(gone)
    return result
