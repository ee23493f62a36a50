"""Fonts of this machine: which of them has the characters of a text, in any script."""

from collections.abc import Iterable, Sequence
from functools import cache


@cache
def font_file(text: str) -> str | None:
    """Path of a font that has all characters of a text, matplotlib's own first; None: none has."""
    wanted = {ord(character) for character in text}
    return next((path for path in _font_files() if wanted <= _characters(path)), None)


def families(texts: Iterable[str]) -> list[str]:
    """Font families to list behind matplotlib's own, so that it draws all characters it can."""
    from matplotlib import font_manager

    needed = {path for text in texts if (path := font_file(text))} - {_font_files()[0]}
    for path in sorted(needed):
        font_manager.fontManager.addfont(path)
    return [font_manager.get_font(path).family_name for path in sorted(needed)]


@cache
def _font_files() -> Sequence[str]:
    from matplotlib import font_manager

    # What the machine has now: matplotlib's own list is kept from an earlier day.
    own = font_manager.findfont("DejaVu Sans")
    return own, *sorted(font_manager.findSystemFonts())


@cache
def _characters(path: str) -> frozenset[int]:
    """Code points that a font has; none of a font that cannot be drawn with."""
    from matplotlib import font_manager

    try:
        return frozenset(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):  # a damaged font, or one of bitmaps
        return frozenset()
