"""The search's memory and its choices: the only file that knows Optuna.

Every suggestion is a function of the finished trials, the search's seed and the trial's number:
a search that was stopped and taken up again asks for what it would have asked for.
"""

import importlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from mnist_seq.config import Choices, Dimension, SearchConfig
from mnist_seq.errors import ConfigError
from mnist_seq.records import EndState
from mnist_seq.space import Values, contains, grid, is_active, is_integer, ordered

# Random trials before TPE models: its usual ten would be half of a default sweep.
TPE_STARTUP_TRIALS = 8
REDUCTION_FACTOR = 3


@dataclass(frozen=True)
class Suggestion:
    """What a trial shall try."""

    number: int
    values: Values


@dataclass(frozen=True)
class Finished:
    """What a trial that is over has tried, and what came of it.

    Attributes
    ----------
    state : str
        complete, pruned or failed.
    records : list of dict
        Its curve, an `EpochRecord` each, as plain values.
    reason : str or None
        Why it failed.
    """

    number: int
    values: Values
    state: EndState
    records: list[dict[str, Any]]
    reason: str | None


class Study:
    """One study in an Optuna database; this process is its only writer.

    Parameters
    ----------
    path : Path
        The SQLite file; made where there is none.
    name : str
        The study's; one that exists is gone on with.
    search : SearchConfig
        Space, sampler, pruner, objective and seed.
    epochs : int
        The most that any trial may train: the budget that pruning divides.
    """

    def __init__(self, path: Path, name: str, search: SearchConfig, epochs: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._search = search
        self._distributions = {
            dimension_path: distribution(dimension_path, dimension)
            for dimension_path, dimension in search.space.items()
        }
        self._order = ordered(search.space)
        self._grid = grid(search.space) if search.sampler == "grid" else None
        self._pruner = build_pruner(search, epochs)
        # Optuna shows a sampler only the trials of one Hyperband bracket if it knows the pruner:
        # with tens of trials, TPE would never leave its random start. So it is not told.
        self._study = optuna.create_study(
            study_name=name,
            storage=f"sqlite:///{path}",
            direction="maximize" if search.objective == "validation_accuracy" else "minimize",
            sampler=build_sampler(search, 0),
            pruner=optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
        self._live: dict[int, optuna.Trial] = {}

    @property
    def next_number(self) -> int:
        """Number that the next trial will have."""
        return len(self._study.get_trials(deepcopy=False, states=_STARTED))

    def ask(self, fixed: Values | None = None) -> Suggestion | None:
        """Next trial: of the sampler's choice, or with the values given; None when a grid is done.

        Parameters
        ----------
        fixed : dict of str to scalar, optional
            Values of the searched settings. Where they lie outside the space the trial is run all
            the same, but the sampler does not learn from it.
        """
        number = self.next_number
        if fixed is None and self._grid is not None:
            if number >= len(self._grid):
                return None
            fixed = self._grid[number]
        if fixed is not None and self._inside(fixed):
            self._study.enqueue_trial(fixed, skip_if_exists=True)
        self._study.sampler = build_sampler(self._search, number)
        trial = self._study.ask()
        self._live[trial.number] = trial
        if fixed is not None and not self._inside(fixed):
            trial.set_user_attr("values", fixed)
            return Suggestion(trial.number, fixed)
        return Suggestion(trial.number, self._suggest(trial))

    def take_up(self) -> list[Suggestion]:
        """Trials that were running when this study was last left."""
        unfinished = []
        for frozen in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.sampler = build_sampler(self._search, frozen.number)
            trial = optuna.Trial(self._study, frozen._trial_id)
            self._live[frozen.number] = trial
            values = frozen.user_attrs.get("values") or self._suggest(trial)
            unfinished.append(Suggestion(frozen.number, values))
        return unfinished

    def finished(self) -> list[Finished]:
        """Trials that are over, in the order of their numbers."""
        return [
            Finished(
                number=frozen.number,
                values=frozen.user_attrs.get("values") or dict(frozen.params),
                state=_STATES[frozen.state],
                records=frozen.user_attrs.get("records", []),
                reason=frozen.user_attrs.get("reason"),
            )
            for frozen in self._study.get_trials(deepcopy=False, states=tuple(_STATES))
        ]

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Note a trial's best value so far; True if the pruner would give the trial up.

        Parameters
        ----------
        epoch : int
            Counts from 1: Hyperband compares it with its rungs.
        """
        trial = self._live[number]
        if epoch not in self._frozen(number).intermediate_values:
            trial.report(value, epoch)
        return self._pruner.prune(self._study, self._frozen(number))

    def note(self, number: int, **attributes: Any) -> None:
        """Keep something with a trial: its run, its best epoch, its parameters."""
        for name, value in attributes.items():
            self._live[number].set_user_attr(name, value)

    def complete(self, number: int, value: float) -> None:
        """End a trial with its best value."""
        self._study.tell(self._live.pop(number).number, value)

    def prune(self, number: int) -> None:
        """End a trial that was given up; its value is the last one reported."""
        self._study.tell(self._live.pop(number).number, state=TrialState.PRUNED)

    def fail(self, number: int, reason: str) -> None:
        """End a trial that has no result."""
        self.note(number, reason=reason)
        self._study.tell(self._live.pop(number).number, state=TrialState.FAIL)

    def _suggest(self, trial: optuna.Trial) -> Values:
        values: Values = {}
        for path in self._order:
            if is_active(self._search.space[path], values):
                values[path] = trial._suggest(path, self._distributions[path])
        return values

    def _inside(self, values: Values) -> bool:
        return all(contains(self._search.space[path], value) for path, value in values.items())

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study._storage.get_trial(self._live[number]._trial_id)


_STATES: dict[TrialState, EndState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
_STARTED = (TrialState.RUNNING, *_STATES)


def distribution(path: str, dimension: Dimension) -> BaseDistribution:
    """Optuna's form of a dimension."""
    if isinstance(dimension, Choices):
        return CategoricalDistribution(tuple(dimension.choices))
    if is_integer(path):
        step = 1 if dimension.step is None else int(dimension.step)
        return IntDistribution(int(dimension.low), int(dimension.high), dimension.log, step)
    return FloatDistribution(
        float(dimension.low), float(dimension.high), dimension.log, dimension.step
    )


def build_sampler(search: SearchConfig, number: int) -> BaseSampler:
    """Sampler for the trial of that number, all its options spelled out.

    Raises
    ------
    ConfigError
        If the sampler needs a package that is not installed.
    """
    seed = (search.seed + number * 1_000_003) % 2**32
    with warnings.catch_warnings():
        # TPE's group and multivariate options, QMC and GP are marked experimental by Optuna.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            match search.sampler:
                case "tpe":
                    return optuna.samplers.TPESampler(
                        seed=seed,
                        n_startup_trials=TPE_STARTUP_TRIALS,
                        multivariate=True,
                        group=True,
                        constant_liar=True,
                    )
                case "random" | "grid":
                    return optuna.samplers.RandomSampler(seed=seed)
                case "qmc":  # one sequence for the whole study: its seed is the study's
                    return optuna.samplers.QMCSampler(
                        scramble=True,
                        seed=search.seed,
                        independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                        warn_independent_sampling=False,
                    )
                case "gp":
                    importlib.import_module("torch")
                    return optuna.samplers.GPSampler(seed=seed)
                case "cmaes":
                    importlib.import_module("cmaes")
                    return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        except ImportError as error:
            raise ConfigError(
                f"search.sampler: {search.sampler} needs the package {error.name}, which is not "
                f"installed: pip install {error.name}"
            ) from None


def build_pruner(search: SearchConfig, epochs: int) -> BasePruner:
    """Pruner for trials of at most that many epochs, all its options spelled out."""
    match search.pruner:
        case "hyperband":
            return optuna.pruners.HyperbandPruner(
                min_resource=1, max_resource=epochs, reduction_factor=REDUCTION_FACTOR
            )
        case "successive_halving":
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=1, reduction_factor=REDUCTION_FACTOR, min_early_stopping_rate=0
            )
        case "median":
            return optuna.pruners.MedianPruner(
                n_startup_trials=5, n_warmup_steps=1, interval_steps=1, n_min_trials=3
            )
        case "none":
            return optuna.pruners.NopPruner()
