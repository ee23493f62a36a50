"""Formatting of numbers and settings, shared by figures, pages and the terminal."""

import re
from typing import Any

import numpy as np
import pandas as pd

from mnist_seq.config.search import Choices, Dimension
from mnist_seq.config.settings import Cost, Objective, scalar_text
from mnist_seq.data.listed import many as many

MINUS, NONE, TIMES = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"


def value(objective: Objective, number: float) -> str:
    """Format an objective value: an accuracy as ``98.93 %``, a loss as ``0.0412``."""
    return f"{100 * number:.2f} %" if objective == "validation_accuracy" else f"{number:.4f}"


COST_NAMES: dict[Cost, str] = {"parameters": "parameters", "seconds": "seconds of the first epoch"}


def cost(kind: Cost, number: float) -> str:
    """Format a cost: a number of parameters as ``12,345``, seconds as ``0.412 s``."""
    return f"{number:,.0f}" if kind == "parameters" else f"{number:.3g} s"


def points(fraction: float, *, sign: bool = False) -> str:
    """Format a difference of accuracies in percentage points: ``0.52 points``."""
    return f"{100 * fraction:{'+' if sign else ''}.2f} points".replace("-", MINUS)


def exact(number: float) -> str:
    """Format a tick value with all its digits."""
    size = abs(number)
    text = f"{number:.8g}" if size < 1e4 else f"{number:,.0f}" if size < 1e6 else f"{number:.6g}"
    text = re.sub(r"e([+-])0*", lambda match: "e" + match.group(1).strip("+"), text)
    return text.replace("-", MINUS, 1) if number < 0 else text


def setting(cell: Any) -> str:
    """Format a setting's value as in YAML, to 3 digits: ``126``, ``true``, ``0.00214``."""
    if pd.isna(cell):
        return "null"
    return scalar_text(cell.item() if isinstance(cell, np.generic) else cell, digits=3)


def dimension(searched: Dimension, digits: int = 3) -> str:
    """Format the values that were searched: ``16 to 128, log scale``, ``28, 64``."""
    if isinstance(searched, Choices):
        return ", ".join(scalar_text(choice, digits) for choice in searched.choices)
    text = f"{scalar_text(searched.low, digits)} to {scalar_text(searched.high, digits)}"
    text += ", log scale" if searched.log else ""
    return text + (f", step {scalar_text(searched.step, digits)}" if searched.step else "")


def condition(searched: Dimension) -> str:
    """Format when a dimension is active: ``where model.layers=2``; empty if it always is."""
    conditions = searched.when.items()
    when = ", ".join(f"{path}={scalar_text(value, 3)}" for path, value in conditions)
    return f"where {when}" if when else ""


def duration(seconds: float) -> str:
    """Format a duration with a suitable unit: ``45 s``, ``14 min``, ``2.3 h``."""
    if seconds < 120:
        return f"{seconds:.3g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def every(count: int, noun: str) -> str:
    """Format all there are of something: ``the only trial``, ``all 20 trials``."""
    return f"the only {noun}" if count == 1 else f"all {many(count, noun)}"


def agreeing(count: int, one: str, several: str) -> str:
    """Choose the words that go with a count: ``was`` with 1, ``were`` with 0 or 20."""
    return one if count == 1 else several


def share(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"


def listing(words: list[str]) -> str:
    """Join words to a list: ``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def shortened(text: str, length: int) -> str:
    """Shorten a text to `length` characters by replacing its middle with an ellipsis."""
    if len(text) <= length:
        return text
    tail = length // 3
    return f"{text[: length - tail - 1]}…{text[-tail:]}"
