"""A search space as data: ranges, choices and conditions, keyed by the config's own paths.

A dimension with `when` is active only where the dimensions that it names have the values that it
names.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from mnist_seq.config.search import Choices, Dimension, Range, SearchConfig
from mnist_seq.config.settings import Config, Scalar, Values
from mnist_seq.config.validation import is_integer, nearest, settings, with_values
from mnist_seq.errors import ConfigError

Space: TypeAlias = Mapping[str, Dimension]
LARGEST_GRID = 100_000
TOLERANCE = 1e-9  # in steps: three steps of 0.1 are not 0.3


def is_active(dimension: Dimension, values: Mapping[str, Scalar]) -> bool:
    """Whether the condition of a dimension holds for what was chosen so far."""
    return all(path in values and values[path] == value for path, value in dimension.when.items())


def contains(dimension: Dimension, value: Scalar) -> bool:
    """Whether a value is one that the dimension can take."""
    if isinstance(dimension, Choices):  # to Python True is 1; to a setting it is not
        return any(
            value == choice and isinstance(value, bool) == isinstance(choice, bool)
            for choice in dimension.choices
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if dimension.step is None:
        return dimension.low <= value <= dimension.high
    if not dimension.low <= value <= dimension.high + TOLERANCE * dimension.step:
        return False
    steps = (value - dimension.low) / dimension.step
    return abs(steps - round(steps)) < TOLERANCE


def within(dimension: Dimension, value: Scalar) -> Scalar:
    """Return a value of a dimension, cut to the range's end if rounding put it just beyond.

    Three steps of 0.1 are a little more than 0.3; Optuna's range ends at 0.3 then, and takes no
    other.
    """
    if not isinstance(dimension, Range) or dimension.step is None:
        return value
    low, high, step = (Decimal(str(x)) for x in (dimension.low, dimension.high, dimension.step))
    end = float(low + (high - low) // step * step)
    assert isinstance(value, int | float)
    return min(value, end)


def ordered(space: Space) -> list[str]:
    """Return the paths of a space in topological order of their conditions.

    Raises
    ------
    ConfigError
        If conditions name each other in a circle.
    """
    order: list[str] = []
    while len(order) < len(space):
        ready = [
            path
            for path, dimension in space.items()
            if path not in order and all(parent in order for parent in dimension.when)
        ]
        if not ready:
            circle = ", ".join(path for path in space if path not in order)
            raise ConfigError(f"search.space: conditions go round in a circle: {circle}")
        order += ready
    return order


def grid(space: Space) -> list[Values]:
    """Every combination of values of a space, the last dimension changing fastest.

    Raises
    ------
    ConfigError
        If a range has no step, or there are more than `LARGEST_GRID` combinations.
    """
    combinations: list[Values] = [{}]
    for path in ordered(space):
        dimension = space[path]
        options = _points(path, dimension)
        _check_grid(len(combinations) * len(options))
        combinations = [
            longer
            for values in combinations
            for longer in (
                [{**values, path: option} for option in options]
                if is_active(dimension, values)
                else [values]
            )
        ]
    return combinations


def check(config: Config, search: SearchConfig) -> None:
    """Validate a search's space, baselines and grid; raise a ConfigError if any is invalid.

    Raises
    ------
    ConfigError
        With a line for each problem: an unknown path, a condition on a path that is not searched
        or on a value that it never has, or a value that the setting itself refuses.
    """
    known = settings(Config)
    problems: list[str] = []
    for path, dimension in search.space.items():
        name = f"search.space.{path}"
        if path not in known:
            problems.append(f"{name}: {path} is not a setting{nearest(path, known)}")
        for parent, value in dimension.when.items():
            if parent not in search.space:
                problems.append(
                    f"{name}.when: {parent} is not searched{nearest(parent, search.space)}"
                )
            elif not contains(search.space[parent], value):
                problems.append(f"{name}.when: {parent} is never {value}")
        step = getattr(dimension, "step", None)
        if step is not None and path in known and is_integer(path) and not isinstance(step, int):
            problems.append(f"{name}.step: must be a whole number (got {step})")
    if problems:
        raise ConfigError(*problems)
    for path in ordered(search.space):
        for value in _ends(search.space[path]):
            problems += _refusals(config, search.space, path, value)
    for number, baseline in enumerate(search.baselines):
        try:
            with_values(config, baseline)
        except ConfigError as error:
            problems += [f"search.baselines.{number}.{line}" for line in error.problems]
    if search.sampler == "grid":
        grid(search.space)
    if problems:
        raise ConfigError(*dict.fromkeys(problems))


def _refusals(config: Config, space: Space, path: str, value: Scalar) -> list[str]:
    # Together with all that its condition asks for, and all that comes to life with it.
    values: Values = {path: value}
    unsettled = list(space[path].when.items())
    while unsettled:
        parent, needed = unsettled.pop()
        values[parent] = needed
        unsettled += space[parent].when.items()
    for other in ordered(space):
        if other not in values and space[other].when and is_active(space[other], values):
            values[other] = _ends(space[other])[0]
    try:
        with_values(config, values)
    except ConfigError as error:
        return [f"search.space.{line}" for line in error.problems]
    return []


def _ends(dimension: Dimension) -> Sequence[Scalar]:
    if isinstance(dimension, Choices):
        return dimension.choices
    return [dimension.low, dimension.high]


def _check_grid(count: float) -> None:
    if count > LARGEST_GRID:
        raise ConfigError(
            f"search.sampler: grid has more than {LARGEST_GRID} combinations of this space; "
            "make steps larger, or choose another sampler"
        )


def _points(path: str, dimension: Dimension) -> Sequence[Scalar]:
    if isinstance(dimension, Choices):
        return dimension.choices
    if dimension.step is None:
        raise ConfigError(f"search.space.{path}: search.sampler=grid needs a step or choices")
    steps = (dimension.high - dimension.low) / dimension.step
    _check_grid(steps)
    points = [dimension.low + n * dimension.step for n in range(int(steps + TOLERANCE) + 1)]
    return [within(dimension, point) for point in points]
