"""Validate plain values as a config, with a one-line message for each error."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mnist_seq.config.settings import Config, Scalar, Settings, scalar_text
from mnist_seq.errors import ConfigError

AnySettings = TypeVar("AnySettings", bound=Settings)

_WORDS = {
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must match {pattern}",
    "list_type": "must be a list",
    "dict_type": "must be a group of settings",
    "model_type": "must be a group of settings",
    "too_short": "must not be empty",
    "none_required": "must be a plain value",
}


def validate(kind: type[AnySettings], values: Mapping[str, Any]) -> AnySettings:
    """Validate plain values and return them as a config of class `kind`.

    Raises
    ------
    ConfigError
        With a line for each problem: the setting, what is allowed, what was found.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        # A value that fits no part of a union is reported once a part: the last one is kept.
        lines = dict(_line(problem, kind) for problem in error.errors(include_url=False))
        raise ConfigError(*lines.values()) from None


def with_values(config: Config, values: Mapping[str, Scalar]) -> Config:
    """Return a new config in which the settings at the given paths are replaced.

    Raises
    ------
    ConfigError
        If a path is not a setting, or the new config is not valid.
    """
    known = settings(Config)
    for path in values:
        if path not in known:
            raise ConfigError(f"{path}: is not a setting{nearest(path, known)}")
    nested = config.model_dump()
    nested = {name: nested[name] for name in Config.model_fields}
    for path, value in values.items():
        *groups, name = path.split(".")
        target: dict[str, Any] = nested
        for group in groups:
            target = target[group]
        target[name] = value
    if values.get("model.return_sequences") is False and "model.readout" not in values:
        nested["model"]["readout"] = "last"  # the only one without return_sequences
    return validate(Config, nested)


def settings(kind: type[Settings]) -> dict[str, FieldInfo]:
    """Return all fields of a settings class and its nested groups, by dotted path."""
    return dict(_walk(kind))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a suffix such as ``; did you mean model.units?``, or an empty string."""
    found = closest(word, known)
    return f"; did you mean {found}?" if found else ""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that a mistyped one probably stands for, or None."""
    candidates = list(known)
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if not close:  # a setting typed without its group: units for model.units
        close = [path for path in candidates if path.rpartition(".")[2] == word.rpartition(".")[2]]
    return close[0] if close else None


def is_text(field: FieldInfo) -> bool:
    """Whether a setting takes any text, and not only some words."""
    return any(map(_is_text_type, _alternatives(field)))


def _is_text_type(kind: Any) -> bool:
    return kind is str or (get_origin(kind) is Annotated and get_args(kind)[0] is str)


def value_type(field: FieldInfo) -> type[bool | int | float | str]:
    """Return the type of a setting's values: bool, int or float, else str, also for choices."""
    return next((kind for kind in (bool, int, float) if kind in _alternatives(field)), str)


def is_integer(path: str) -> bool:
    """Whether the setting of a training at a path takes whole numbers only."""
    field = settings(Config).get(path)
    return field is not None and field.annotation is int


def takes_list(field: FieldInfo) -> bool:
    """Whether a setting is a list of values."""
    return any(
        list in {get_origin(part), *map(get_origin, get_args(part))}
        for part in _alternatives(field)
    )


def takes_texts(field: FieldInfo) -> bool:
    """Whether a setting is a list of any texts."""
    lists = [
        each
        for part in _alternatives(field)
        for each in (part, *get_args(part))
        if get_origin(each) is list
    ]
    return any(_is_text_type(kind) for each in lists for kind in get_args(each))


def is_group(field: FieldInfo) -> bool:
    """Whether a setting is a group that takes any names: a mapping, not a fixed set."""
    return any(get_origin(part) is dict for part in _alternatives(field))


def is_optional(field: FieldInfo) -> bool:
    """Whether a setting may be null."""
    return NoneType in _alternatives(field)


def _alternatives(field: FieldInfo) -> tuple[Any, ...]:
    annotation = field.annotation
    if get_origin(annotation) in {Union, UnionType}:
        return get_args(annotation)
    return (annotation,)


def _walk(kind: type[Settings], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            yield from _walk(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{field.alias or name}", field


def _line(problem: ErrorDetails, kind: type[Settings]) -> tuple[str, str]:
    # pydantic adds the tried part of a union (int, float, range, choices) to the place.
    parts = {"int", "float", "bool", "str", "none", "range", "choices"}
    place = [str(part) for part in problem["loc"]]
    if place and place[-1] in parts - {"choices"}:
        place = place[:-1]
    if place[:2] == ["search", "space"]:
        place = [part for i, part in enumerate(place) if i != 3 or part not in {"range", "choices"}]
    path = ".".join(place)
    context = problem.get("ctx", {})
    match problem["type"]:
        case "value_error":
            message = str(context["error"])
            names_it = place[:1] in ([], ["data"], ["model"]) or place == ["search"]
            return path, message if names_it else f"{path}: {message}"
        case "missing" if len(place) > 3 and place[2] not in settings(Config):
            known = [f"search.space.{path}" for path in settings(Config)]
            return path, f"search.space.{place[2]}: is not a setting{nearest(place[2], known)}"
        case "missing":
            return path, f"{path}: is missing"
        case "extra_forbidden" if place[:2] == ["search", "space"]:
            whole = "choices" if "choices" in problem["loc"] else "a range"
            return path, f"{path}: is not a part of {whole}"
        case "extra_forbidden":
            return path, f"{path}: is not a setting{nearest(path, settings(kind))}"
        case known if known in _WORDS:
            words = _WORDS[known].format(**context).replace("'", "")
        case _:
            words = problem["msg"][0].lower() + problem["msg"][1:]
    return path, f"{path}: {words} (got {_shown(problem['input'])})"


def _shown(value: Any) -> str:
    text = scalar_text(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def allowed(field: FieldInfo) -> str:
    """Describe a field's allowed values, as in ``1 to 8``; empty if it has no constraint."""
    for part in (field.annotation, *get_args(field.annotation)):
        choices = get_args(part)
        if choices and all(isinstance(choice, str) for choice in choices):
            return " | ".join(choices)
    bounds = {type(bound).__name__: bound for bound in field.metadata}
    match bounds:
        case {"Ge": low, "Le": high}:
            return f"{low.ge} to {high.le}"
        case {"Gt": low, "Le": high}:
            return f"above {low.gt}, to {high.le}"
        case {"Gt": low, "Lt": high}:
            return f"between {low.gt} and {high.lt}"
        case {"Ge": low, "Lt": high}:
            return f"{low.ge} to below {high.lt}"
        case {"Gt": low}:
            return f"above {low.gt}"
        case {"Ge": low}:
            return f"from {low.ge}"
    return ""
