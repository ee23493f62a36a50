"""Counts with their nouns, and lists that stay short however much there is to name."""

from collections.abc import Sequence

MOST_LISTED = 5


def many(count: int, noun: str) -> str:
    """Format a count with its noun: ``1 image``, ``360 images``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(texts: Sequence[str]) -> str:
    """Join the first texts by commas, and count the rest: ``a, b, c, d, e, 12 more``."""
    more = len(texts) - MOST_LISTED
    return ", ".join([*texts[:MOST_LISTED], *([f"{more:,} more"] if more > 0 else [])])
