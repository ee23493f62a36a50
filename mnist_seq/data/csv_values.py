"""What a single value of a CSV file means: a pixel, something missing, a name in a header."""

import re

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
LABEL_NAMES = frozenset({"label", "labels", "class", "target"})
MAX_LABEL_LENGTH = 100

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class PixelsBySpelling(dict[str, int]):
    """The pixel that a text stands for; each spelling (7, 7.0, " 7") is understood only once."""

    def __missing__(self, text: str) -> int:
        value = number(text)
        if value is None or not (value.is_integer() and 0 <= value <= 255):
            raise ValueError(text)
        self[text] = int(value)
        return self[text]


def number(text: str) -> float | None:
    """The number that a text stands for, which NaN and infinity do not."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def pixel_problem(text: str) -> str | None:
    """What is wrong with a pixel, or None."""
    allowed = "a pixel must be a whole number from 0 to 255"
    if text.strip().lower() in MISSING:
        return f"is missing (found {text!r}); {allowed}"
    try:
        PixelsBySpelling()[text]
    except ValueError:
        return f"found {text[:40]!r}; {allowed}"
    return None


def label_problem(text: str) -> str | None:
    """What is wrong with a label, or None."""
    if not text.strip():
        return "the label is missing"
    if len(text) > MAX_LABEL_LENGTH:
        return f"the label is longer than {MAX_LABEL_LENGTH} characters"
    return None


def is_header(fields: list[str]) -> bool:
    """Whether a file's first row names its columns instead of showing an image."""
    label, *pixels = (field.strip().lower() for field in fields)
    if not pixels:
        return False
    # Names differ from each other; a row of True and False is an image, if one in a wrong format.
    named = not any(number(p) is not None or p in MISSING for p in pixels)
    if named and number(label) is None and len(set(pixels)) == len(pixels):
        return True
    # pandas and others number their columns. A small image may look like that too, and is kept.
    counted = [[str(first + i) for i in range(len(pixels))] for first in (0, 1)]
    if label in LABEL_NAMES:
        return pixels in counted
    return label == "0" and pixels == counted[1] and len(pixels) >= 64
