"""Findings on best values at the edge of the search space, and wider spaces to try next."""

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from mnist_seq.config.search import Choices, Range
from mnist_seq.config.settings import Config, Scalar
from mnist_seq.config.validation import is_integer, settings
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.findings import Finding
from mnist_seq.report.analysis.hyperparameters import Hyperparameter, hyperparameters
from mnist_seq.report.analysis.tables import StudyTables

OUTER = 0.1  # share of an axis that counts as its edge
NEARBY = 1 / 3  # if the best lies at the edge, its peers may lie as far as this
Side = Literal["low", "high"]


def edges(tables: StudyTables) -> Iterator[Finding]:
    """Findings on hyperparameters whose best values lie at an edge that can be extended."""
    if tables.best is None:
        return
    for hyperparameter in hyperparameters(tables):
        path = hyperparameter.path
        top = _top(tables, hyperparameter)
        side = _side(hyperparameter, top)
        command = side and widened(path, hyperparameter.dimension, side)
        if not side or not command:
            continue
        best = wording.setting(tables.best.settings[path])
        median = wording.setting(hyperparameter.value(float(np.median(top))))
        low, high = (wording.setting(end) for end in _ends(hyperparameter.dimension))
        yield Finding(
            "edge",
            f"The best {path} lie at the {'upper' if side == 'high' else 'lower'} edge of "
            f"what was searched ({low} to {high}): {best} in the best trial, {median} in "
            f"the median of the top {len(top)}. Better ones may lie beyond.",
            {
                "hyperparameter": path,
                "best": best,
                "median": median,
                "low": low,
                "high": high,
                "side": side,
            },
            command,
        )


def widened(path: str, dimension: Range | Choices, side: Side) -> str | None:
    """The override that extends one end of a search; None if no further value is allowed."""
    field = f"search.space.{path}"
    for end in _further(path, dimension, side):
        if _is_allowed(path, end):
            if isinstance(dimension, Range):
                return f"{field}.{side}={wording.setting(end)}"
            options = [*dimension.choices, end] if side == "high" else [end, *dimension.choices]
            return choices_override(path, options)
    return None


def top_count(trials: int) -> int:
    """How many trials count as top trials: a fifth of them, at least 3 and at most 20."""
    return min(max(3, round(trials / 5)), 20)


def choices_override(path: str, options: list[Scalar]) -> str | None:
    """The override that sets a list of choices; None if a name would need extra quoting."""
    words = [wording.setting(option) for option in options]
    if not all(re.fullmatch(r"[\w.+-]+", word) for word in words):
        return None
    return f"'search.space.{path}.choices=[{','.join(words)}]'"


def _top(tables: StudyTables, hyperparameter: Hyperparameter) -> NDArray[np.float64]:
    """Axis positions of the top trials that use a hyperparameter, best first."""
    order = tables.scored.index.get_indexer(tables.contenders.index)
    places = hyperparameter.positions[order]
    places = places[np.isfinite(places)]
    return places[: top_count(len(places))]


def _side(hyperparameter: Hyperparameter, top: NDArray[np.float64]) -> Side | None:
    low, high = hyperparameter.low, hyperparameter.high
    options = len(hyperparameter.categories)
    if not hyperparameter.ordered or low == high or 0 < options < 3 or hyperparameter.distinct < 3:
        return None
    sides: dict[Side, NDArray[np.float64]] = {"low": top - low, "high": high - top}
    for side, reach in sides.items():
        distances = reach / (high - low)
        median = float(np.median(distances))
        # One best trial may be there by luck, or a little aside by luck: its peers decide.
        if median <= OUTER or (distances[0] <= OUTER and median <= NEARBY):
            return side
    return None


def _ends(dimension: Range | Choices) -> tuple[Any, Any]:
    if isinstance(dimension, Range):
        return dimension.low, dimension.high
    numbers = [float(option) for option in dimension.choices if option is not None]
    return min(numbers), max(numbers)


def _further(path: str, dimension: Range | Choices, side: Side) -> Iterator[Scalar]:
    """Candidates for the new end of a search, the farthest first."""
    low, high = _ends(dimension)
    whole = is_integer(path)
    geometric = isinstance(dimension, Choices) or dimension.log
    if geometric and low > 0:
        factor = max(2.0, math.sqrt(high / low)) if isinstance(dimension, Range) else 2.0
        steps = [factor, math.sqrt(factor)]
        ends = [high * step if side == "high" else low / step for step in steps]
        by_two = whole and math.log2(high if side == "high" else low).is_integer()
    else:
        reach = (high - low) / 2
        ends = [high + r if side == "high" else low - r for r in (reach, reach / 2)]
        by_two = False
        if low >= 0 and side == "low":
            ends.append(0)  # few settings go below; none has to stop short of it
    step = dimension.step if isinstance(dimension, Range) else None
    for end in ends:
        rounded = _rounded(end, low, step, whole=whole, by_two=by_two)
        if rounded > high if side == "high" else rounded < low:
            yield rounded


def _rounded(
    end: float, low: float, step: float | None, *, whole: bool, by_two: bool
) -> int | float:
    if by_two and end >= 1:
        power = math.log2(end)
        return int(2 ** (math.floor(power) if end > low else math.ceil(power)))
    if step is not None:
        end = low + round((end - low) / step) * step
    else:
        # Two digits, or one when that costs little: nobody wants to search up to 362.
        digits = 2 if whole and abs(end) < 100 else 1
        end = float(f"{end:.{digits}g}")
    return round(end) if whole else float(f"{end:.6g}")


def _is_allowed(path: str, value: Scalar) -> bool:
    field = settings(Config).get(path)
    if field is None:
        return True
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True
