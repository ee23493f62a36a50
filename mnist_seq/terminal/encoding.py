"""Output for terminals that cannot write every character: ``+/-`` where ``±`` is not known."""

import codecs
import io
import sys

_SPELLED = {"±": "+/-", "…": "...", "→": "->", "\N{EN DASH}": "-", "\N{MULTIPLICATION SIGN}": "x"}
_NAME = "spelled"


def write_what_can_be_written() -> None:
    """From now on, spell characters that the output's encoding lacks in letters that it has."""
    codecs.register_error(_NAME, _spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)


def _spell(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    escaped = (_SPELLED.get(c) or c.encode("ascii", "backslashreplace").decode() for c in missing)
    return "".join(escaped), error.end
