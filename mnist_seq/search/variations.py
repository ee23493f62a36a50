"""Which configs a sensitivity analysis trains: one hyperparameter changed at a time, or two."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from mnist_seq.config.search import Choices, Dimension, Range
from mnist_seq.config.settings import Config, Scalar, Values, value_at
from mnist_seq.config.validation import is_integer, nearest, settings, with_values
from mnist_seq.errors import ConfigError
from mnist_seq.search.space import Space, contains, is_active, ordered

Curve: TypeAlias = list[tuple[Scalar, int]]  # values of a hyperparameter, each with its config

NEXT_TO = 0.25  # of the way to the next value: so close to the chosen one nothing new is seen
READOUT, RETURN_SEQUENCES = "model.readout", "model.return_sequences"


@dataclass(frozen=True)
class Grid:
    """Two hyperparameters changed together.

    Attributes
    ----------
    first, second : list
        Their values.
    rows : list of list of int
        Places of the configs, a line for each value of the second; None where the two values
        exclude each other.
    """

    first: list[Scalar]
    second: list[Scalar]
    rows: list[list[int | None]]


@dataclass(frozen=True)
class Variations:
    """A chosen config and variations of it, each once.

    A value brings with it what its condition asks for; where it makes another hyperparameter
    active that is not active in the chosen config, that one gets its usual value.

    Attributes
    ----------
    configs : list of Config
        The first is the chosen one.
    changes : list of dict
        The settings in which each differs from the chosen one, with its values.
    curves : dict of str to list of (value, int)
        By hyperparameter: its values in their order, each with the place of its config.
    grids : dict of (str, str) to Grid
        By pair.
    """

    space: Space
    usual: Mapping[str, Scalar]
    configs: list[Config]
    changes: list[Values] = field(default_factory=lambda: [{}])
    curves: dict[str, Curve] = field(default_factory=dict)
    grids: dict[tuple[str, str], Grid] = field(default_factory=dict)

    def place(self, changes: Values) -> int | None:
        """Place of the chosen config with these changes; None if they exclude each other."""
        chosen = self.configs[0]
        all_changes = self._with_conditions(changes)
        if all_changes is None:
            return None
        try:
            config = with_values(chosen, all_changes)
        except ConfigError as error:
            raise ConfigError(*(f"values.{line}" for line in error.problems)) from None
        if any(value_at(config, path) != value for path, value in changes.items()):
            return None
        if config not in self.configs:
            self.configs.append(config)
            paths = all_changes.keys() | ({READOUT} if RETURN_SEQUENCES in all_changes else set())
            differing = {path: value_at(config, path) for path in sorted(paths)}
            self.changes.append({p: v for p, v in differing.items() if v != value_at(chosen, p)})
        return self.configs.index(config)

    def _with_conditions(self, changes: Values) -> Values | None:
        chosen = self.configs[0]
        wanted = {path: v for path, v in changes.items() if v != value_at(chosen, path)}
        if READOUT in wanted:
            wanted.setdefault(RETURN_SEQUENCES, wanted[READOUT] != "last")
        unsettled = list(wanted)
        while unsettled:
            path = unsettled.pop()
            if path in self.space and contains(self.space[path], wanted[path]):
                for parent, needed in self.space[path].when.items():
                    if wanted.get(parent, needed) != needed:
                        return None
                    if parent not in wanted:
                        wanted[parent] = needed
                        unsettled.append(parent)
        before: Values = {}
        after: Values = {}
        for path in ordered(self.space):
            if is_active(self.space[path], before):
                before[path] = value_at(chosen, path)
            if is_active(self.space[path], after):
                if path not in wanted and path not in before:
                    wanted[path] = self.usual.get(path, _spread(path, self.space[path])[0])
                after[path] = wanted.get(path, value_at(chosen, path))
        return wanted


def variations(
    chosen: Config,
    space: Space,
    usual: Mapping[str, Scalar],
    values: Mapping[str, Sequence[Scalar]],
    pairs: Sequence[Sequence[str]],
) -> Variations:
    """Plan a sensitivity analysis around a chosen config.

    Parameters
    ----------
    chosen : Config
        What all others are variations of.
    space : mapping of str to Dimension
        The study's; empty where there is none.
    usual : mapping
        Values for hyperparameters that are not active in the chosen config.
    values : mapping of str to sequence
        Hyperparameters, and values of them, to try; where it is empty, the whole space is tried.
    pairs : sequence of (str, str)
        What is tried together, besides.

    Raises
    ------
    ConfigError
        If a value or a pair is not possible, or there is nothing to try.
    """
    _check(space, values, pairs)
    plan = Variations(space, usual, [chosen])
    tried = {
        path: in_order([*values[path], value_at(chosen, path)])
        if path in values
        else values_to_try(path, space[path], value_at(chosen, path))
        for path in dict.fromkeys([*(values or space), *(path for pair in pairs for path in pair)])
    }
    for path in values or space:
        places = [(value, plan.place({path: value})) for value in tried[path]]
        curve = [(value, place) for value, place in places if place is not None]
        if len(curve) > 1:
            plan.curves[path] = curve
    for first, second in pairs:
        rows = [[plan.place({first: x, second: y}) for x in tried[first]] for y in tried[second]]
        plan.grids[first, second] = Grid(tried[first], tried[second], rows)
    if len(plan.configs) == 1:
        raise ConfigError("nothing to try: each hyperparameter has only the chosen value")
    return plan


def values_to_try(path: str, dimension: Dimension, chosen: Scalar) -> list[Scalar]:
    """Values that show a dimension's effect: choices, or some of a range; the chosen one too."""
    spread = _spread(path, dimension)
    if isinstance(dimension, Range) and _is_number(chosen):
        at, *positions = (_position(dimension, value) for value in (chosen, *spread))
        near = NEXT_TO * (positions[-1] - positions[0]) / max(len(spread) - 1, 1)
        pairs = zip(spread, positions, strict=True)
        spread = [value for value, position in pairs if abs(position - at) > near]
    return in_order([*spread, chosen])


def in_order(values: Sequence[Scalar]) -> list[Scalar]:
    """Return the distinct values, numbers in ascending order."""
    # To Python True is 1; to a setting it is not.
    distinct = list({(isinstance(value, bool), value): value for value in values}.values())
    return sorted(distinct, key=float) if all(map(_is_number, distinct)) else distinct  # type: ignore[arg-type]


def _spread(path: str, dimension: Dimension) -> list[Scalar]:
    """All choices, or both ends of a range and values evenly between them."""
    if isinstance(dimension, Choices):
        return list(dimension.choices)
    return [*dimension.spread(whole=is_integer(path))]


def _position(dimension: Range, value: Scalar) -> float:
    number = float(value)  # type: ignore[arg-type]  # a number, as asked before
    return math.log(max(number, 1e-300)) if dimension.log else number


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check(
    space: Space, values: Mapping[str, Sequence[Scalar]], pairs: Sequence[Sequence[str]]
) -> None:
    known = settings(Config)
    problems = []
    for path in values:
        if path not in known:
            problems.append(f"values.{path}: {path} is not a setting{nearest(path, known)}")
        elif path == "seed":
            problems.append("values.seed: seeds=N trains with several")
    for pair in pairs:
        for path in pair:
            if path not in values and path not in space:
                where = f"{path} is not searched{nearest(path, space)}"
                problems.append(f"pairs: {where}; say what to try: values.{path}=[...]")
    if not values and not space:
        problems.append(
            "the run belongs to no search, so there is no space to take values from; say what to "
            "try, as in values.model.units=[16,64]"
        )
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
