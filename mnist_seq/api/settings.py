"""Settings given as Python values, as the overrides of a command line."""

from collections.abc import Mapping
from typing import Any

from mnist_seq.config.settings import flatten, scalar_text
from mnist_seq.errors import ConfigError

_QUOTED = str.maketrans({"\\": "\\\\", "'": "\\'"})


def as_overrides(settings: Mapping[str, Any]) -> list[str]:
    r"""Return settings as overrides; groups of them are nested mappings.

    Raises
    ------
    ConfigError
        If a value is neither a number, text, true or false, None nor a list of such.

    Examples
    --------
    >>> as_overrides({"seeds": 5, "model": {"units": 96}, "study": "mine"})
    ['seeds=5', 'model.units=96', 'study=mine']
    >>> as_overrides({"search": {"space": {"model.units": {"choices": [16, 32]}}}})
    ['search.space.model.units.choices=[16,32]']
    """
    return [
        f"{path}={value if isinstance(value, str) else _text(path, value)}"
        for path, value in flatten(settings).items()
    ]


def _text(path: str, value: Any) -> str:
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays, pandas' columns
        value = value.tolist()
    if value is None or isinstance(value, bool | int | float):
        return scalar_text(value)
    if isinstance(value, str):
        return f"'{value.translate(_QUOTED)}'"
    if isinstance(value, list | tuple | range):
        return f"[{','.join(_text(path, each) for each in value)}]"
    raise ConfigError(
        f"{path}: must be a number, text, true or false, None, or a list of them (got {value!r})"
    )
