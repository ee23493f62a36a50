"""Encodes settings as coordinates of the response model, each of the order of 1."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from mnist_seq.config.settings import Scalar
from mnist_seq.report.analysis.hyperparameters import Hyperparameter
from mnist_seq.report.analysis.response_model import Indices, Numbers

APART = 0.7  # two different names are as far apart as the ends of a range: the root of 2 * 0.7^2
NOT_ACTIVE = 0.5  # the coordinate of a number that is not active
NONE = object()

Settings = Mapping[str, Scalar]  # of the active hyperparameters, by path


class SettingsEncoder:
    """Encodes the settings of trials: numbers as one coordinate, names as one for each name.

    Parameters
    ----------
    searched : sequence of Hyperparameter
        Those that others depend on before these.

    Attributes
    ----------
    groups : dict of str to int array
        The coordinates of each hyperparameter, by path.
    """

    def __init__(self, searched: Sequence[Hyperparameter]) -> None:
        self._searched = {h.path: h for h in searched}
        self.groups: dict[str, Indices] = {}
        count = 0
        for h in searched:
            width = 1 if h.ordered else len(h.categories)
            self.groups[h.path] = np.arange(count, count + width)
            count += width

    def encode(self, settings: Iterable[Settings]) -> Numbers:
        """Encode trials as an array, one row a trial."""
        return np.array(
            [
                np.concatenate([_encode(h, active) for h in self._searched.values()])
                for active in settings
            ]
        )

    def active(self, settings: Settings) -> Settings:
        """The settings of the active hyperparameters; null may be a value like any other."""
        found: dict[str, Scalar] = {}
        for path, h in self._searched.items():
            if self._fits(h, found):
                found[path] = settings[path]
        return found

    def changed(self, trials: Sequence[Settings], path: str, value: Scalar) -> list[Settings]:
        """The same trials with one setting changed, and the settings that depend on it.

        A hyperparameter that is active only under a condition has its condition set. One that
        becomes active has no value yet: it gets each of its values in turn.
        """
        wanted = {**self._conditions(path), path: value}
        return [
            self._consistent({**trial, **wanted}, {}, (number + 0.5) / len(trials))
            for number, trial in enumerate(trials)
        ]

    def exchanged(
        self, trials: Sequence[Settings], donors: Sequence[Settings], paths: Collection[str]
    ) -> list[Settings]:
        """The same trials with the values of some paths taken from others, one for one.

        A value is taken where it is active in both.
        """
        return [
            self._consistent(
                {**trial, **{p: donor[p] for p in paths if p in trial and p in donor}}, donor, 0.5
            )
            for trial, donor in zip(trials, donors, strict=True)
        ]

    def _fits(self, hyperparameter: Hyperparameter, settings: Settings) -> bool:
        """Whether a hyperparameter is active under these settings."""
        when = hyperparameter.dimension.when.items()
        return all(settings.get(p, NONE) == w for p, w in when if p in self._searched)

    def _conditions(self, path: str) -> dict[str, Scalar]:
        conditions: dict[str, Scalar] = {}
        for parent, wanted in self._searched[path].dimension.when.items():
            if parent in self._searched:
                conditions |= {**self._conditions(parent), parent: wanted}
        return conditions

    def _consistent(self, settings: dict[str, Scalar], spare: Settings, share: float) -> Settings:
        """Drop inactive settings; fill in active ones from `spare`, or at a share of the range."""
        for path, h in self._searched.items():
            if not self._fits(h, settings):
                settings.pop(path, None)
            elif path not in settings:
                low, high = (-0.5, len(h.categories) - 0.5) if h.categories else (h.low, h.high)
                settings[path] = spare.get(path, h.value(low + share * (high - low)))
        return settings


def _encode(hyperparameter: Hyperparameter, active: Settings) -> Numbers:
    path, low, high = hyperparameter.path, hyperparameter.low, hyperparameter.high
    position = hyperparameter.position(active[path]) if path in active else math.nan
    if not hyperparameter.ordered:
        return np.where(np.arange(len(hyperparameter.categories)) == position, APART, 0.0)
    if math.isnan(position):
        return np.array([NOT_ACTIVE])
    return np.array([(position - low) / ((high - low) or 1.0)])
