"""A CSV file's first row: whether it names the columns, and what the names say."""

import re
from collections.abc import Sequence

from mnist_seq.data.csv.labels import MISSING, number

LABEL_NAMES = frozenset({"label", "labels", "class", "target", "y"})
INDEX_NAMES = frozenset({"", "index", "id"})
MANY_COLUMNS = 65  # a smaller image may happen to count up like a header


def normal(name: str) -> str:
    """Return a column's name in lower case without spaces around it, or NumPy's ``#`` before it."""
    return name.strip().removeprefix("#").strip().lower()


def is_index_name(name: str) -> bool:
    """Whether a column has a name that pandas or databases give to a row index."""
    return normal(name) in INDEX_NAMES or normal(name).startswith("unnamed:")


def is_header(fields: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a file's first row names its columns instead of showing an image.

    Parameters
    ----------
    fields : sequence of str
        The first row.
    below : sequence of rows
        Some that follow.
    """
    names = [normal(field) for field in _without_empty_end(fields)]
    others = [name for name in names if name not in LABEL_NAMES and not is_index_name(name)]
    if len(names) < 2 or not others:
        return False
    # Names differ from each other; a row of True and False is an image, if one in a wrong format.
    are_names = not any(_is_number(name) or name in MISSING for name in others)
    if are_names and (LABEL_NAMES & set(names) or len(set(others)) == len(others)):
        return True
    if _counts_up(others):
        return len(others) < len(names) or len(others) >= MANY_COLUMNS
    if len(others) >= MANY_COLUMNS:
        for word, rest in ((others[0], others[1:]), (others[-1], others[:-1])):
            if not _is_number(word) and _counts_up(rest):
                return True
    # The label alone may be written with a point in a table of whole numbers.
    have_points = any(sum("." in field for field in row) > 1 for row in below)
    return is_mangled(fields) and not (all(map(_is_number, names[1:-1])) and have_points)


def is_mangled(fields: Sequence[str]) -> bool:
    """Whether pandas has made a header of an image: the second 0 became 0.1, the third 0.2."""
    seen: dict[str, int] = {}
    names = _without_empty_end(fields)
    for place, name in enumerate(names):
        base, _, count = name.rpartition(".")
        if base in seen and count == str(seen[base] + 1):
            seen[base] += 1
        elif name in seen or not (_is_number(name) or place in {0, len(names) - 1}):
            return False
        else:
            seen[name] = 0
    return any(seen.values())


def _without_empty_end(fields: Sequence[str]) -> Sequence[str]:
    filled = [i for i, field in enumerate(fields) if field.strip()]
    return fields[: filled[-1] + 1 if filled else 0]


def _is_number(text: str) -> bool:
    return number(text, ";") is not None


def odd_name(names: Sequence[str]) -> int | None:
    """Index of the one name that differs from the others by more than a number, or None."""
    shapes = [re.sub(r"\d+", "#", normal(name)) for name in names]
    for common in shapes[:3]:
        if "#" in common and shapes.count(common) == len(shapes) - 1:
            odd = next(i for i, shape in enumerate(shapes) if shape != common)
            return odd if re.search(r"[^\W\d_]", names[odd]) else None
    return None


def numbered_order(names: Sequence[str]) -> list[int]:
    """Order in which names that differ in one number only (pixel10, pixel2) count up.

    Returns
    -------
    list of int
        Indices into `names`; as they stand where their numbers do not count up one by one.
    """
    found = [re.fullmatch(r"(\D*)(\d+)", normal(name)) for name in names]
    numbers = [int(match[2]) for match in found if match]
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    are_alike = len(numbers) == len(names) and len({match[1] for match in found if match}) == 1
    if are_alike and _counts_up([str(numbers[i]) for i in order]):
        return order
    return list(range(len(names)))


def _counts_up(names: Sequence[str]) -> bool:
    return any(list(names) == [str(first + i) for i in range(len(names))] for first in (0, 1))
