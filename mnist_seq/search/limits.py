"""Limits that a search keeps to: a network's size and the time of an epoch.

A config that breaks one is infeasible: neither bad nor failed. The size is known before a training
begins, the time after its first epoch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from mnist_seq.config.search import Limits
from mnist_seq.config.settings import Config, ModelConfig, Values
from mnist_seq.data.load import training_data
from mnist_seq.network import size
from mnist_seq.records import EpochRecord

Allows = Callable[[Values], bool]
ParametersOf = Callable[[Values], int | None]


@dataclass(frozen=True)
class LimitViolation:
    """A limit that a trial breaks.

    Attributes
    ----------
    reason : str
        The limit's name, a colon, the details.
    violation : float
        Logarithm of what was found, divided by the limit; above 0.
    """

    reason: str
    violation: float


def find_violation(
    limits: Limits, config: Config, records: Sequence[EpochRecord]
) -> LimitViolation | None:
    """Return the limit that a training breaks, as far as that is known; None if it keeps to all.

    Parameters
    ----------
    records : sequence of EpochRecord
        Its curve so far; may be empty.
    """
    if limits.parameters is not None:
        parameters = trained_parameters(config)
        if parameters > limits.parameters:
            return LimitViolation(
                f"parameters: {parameters:,} (at most {limits.parameters:,})",
                math.log(parameters / limits.parameters),
            )
    if limits.seconds_per_epoch is not None and records:
        seconds = records[0].seconds
        if seconds > limits.seconds_per_epoch:
            return LimitViolation(
                f"seconds_per_epoch: {seconds:.3g} (at most {limits.seconds_per_epoch:g})",
                math.log(seconds / limits.seconds_per_epoch),
            )
    return None


def trained_parameters(config: Config) -> int:
    """Number of trained parameters of a config's network on its data."""
    data = training_data(config.data)
    _, steps, features = data.train.images_NSF.shape
    return size.trained_parameters(config.model, steps, features, len(data.class_names))


def parameters_of(config: Config) -> ParametersOf:
    """Return a quick formula for the number of parameters that suggested values lead to.

    It gives None for values that are refused together.

    Parameters
    ----------
    config : Config
        The settings that are not suggested.
    """
    data = training_data(config.data)
    _, steps, features = data.train.images_NSF.shape
    classes, given = len(data.class_names), config.model.model_dump()

    def parameters(values: Values) -> int | None:
        named = {
            path.removeprefix("model."): value
            for path, value in values.items()
            if path.startswith("model.")
        }
        if named.get("return_sequences") is False:
            named.setdefault("readout", "last")
        try:
            model = ModelConfig.model_validate(given | named)
        except ValidationError:
            return None
        return size.trained_parameters(model, steps, features, classes)

    return parameters


def within_size(limits: Limits, config: Config) -> Allows | None:
    """Return a quick check whether suggested values keep to the limit of size; None without one."""
    most = limits.parameters
    if most is None:
        return None
    parameters = parameters_of(config)
    # Values that are refused together are told so, with the reason, once they are suggested.
    return lambda values: (count := parameters(values)) is None or count <= most
