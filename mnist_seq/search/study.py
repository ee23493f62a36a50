"""A study: suggests trials in memory and stores each suggestion before it is used.

Every suggestion is a function of the trials so far, the search's seed and the trial's number: a
study that is opened again suggests what it would have suggested. The database is read only when the
study is opened.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from mnist_seq.config import SweepConfig, Values, value_at
from mnist_seq.records import FinalState
from mnist_seq.search.migration import COPIED, copy_into_space
from mnist_seq.search.pruners import build_pruner
from mnist_seq.search.samplers import GridPoints, build_sampler, distributions, suggest
from mnist_seq.search.space import contains, is_active, ordered
from mnist_seq.search.storage import (
    FINAL_STATES,
    FinishedTrial,
    StudyStorage,
    finished_trial,
    values_of,
)
from mnist_seq.search.study_settings import (
    baseline_settings,
    check_unchanged,
    fixed_settings,
    most_epochs,
    study_name,
)

SAMPLER_ATTRIBUTES = "study"  # with each trial: what the sampler keeps with the whole study


@dataclass(frozen=True)
class Suggestion:
    """A trial's number and the suggested values of the searched settings."""

    number: int
    values: Values


class Study:
    """A study in an Optuna database, resumed if it already exists.

    Parameters
    ----------
    storage : StudyStorage
        The database.
    config : SweepConfig
        Name, space, sampler, pruner, objective and seed.

    Attributes
    ----------
    name : str
        The study's.
    kept : (int, int) or None
        If the space has changed: how many of how many earlier trials lie inside the new one.

    Raises
    ------
    ConfigError
        If the study's trials had other settings.
    StoreError
        Here and from every method, in one line: the database cannot be read or written.
    """

    def __init__(self, storage: StudyStorage, config: SweepConfig) -> None:
        self.name = study_name(config)
        self.kept: tuple[int, int] | None = None
        self._storage, self._config, self._space = storage, config, config.search.space
        self._maximize = config.search.objective == "validation_accuracy"
        self._distributions = distributions(self._space)
        self._grid = GridPoints(self._space) if config.search.sampler == "grid" else None
        epochs = most_epochs(config)
        stored_name = self._open_stored()
        self._pruner = build_pruner(config.search, stored_name, epochs)
        self._sampler = partial(build_sampler, config.search, epochs)
        self._memory = optuna.storages.InMemoryStorage()
        # Optuna shows a sampler only the trials of one Hyperband bracket if it knows the pruner:
        # with tens of trials, TPE would never leave its random start. So it is not told.
        self._study = optuna.create_study(
            study_name=self.name,
            storage=self._memory,
            direction="maximize" if self._maximize else "minimize",
            sampler=self._sampler(0, 0),
            pruner=optuna.pruners.NopPruner(),
        )
        self._running: dict[int, optuna.Trial] = {}
        self._load()

    def _open_stored(self) -> str:
        """Open, create or migrate the stored study; return its name in the database."""
        settings = fixed_settings(self._config)
        name = self._storage.open(self.name)
        if name is None:
            name = self.name
            self._storage.create(name, self._maximize)
        else:
            before = self._storage.attributes()["settings"]
            if before == settings:
                return name
            check_unchanged(self.name, before, self._config)
            if before["search"]["space"] != settings["search"]["space"]:
                name, self.kept = copy_into_space(
                    self._storage, self.name, self._config, self._distributions
                )
        self._storage.set_attribute("settings", settings)
        return name

    def _load(self) -> None:
        """Load all earlier trials into the in-memory study, the pruner and the grid."""
        copied = self._storage.attributes().get(COPIED, 0)
        for trial in self._storage.trials():
            self._study.add_trial(trial)
            self._restore_sampler(trial.system_attrs.get(SAMPLER_ATTRIBUTES, {}))
            self._mark_grid_point(trial.number, values_of(trial))
            # Brackets follow from a study's name: rungs under another one say nothing here.
            if trial.number >= copied:
                for epoch, value in sorted(trial.intermediate_values.items()):
                    self._pruner.report(trial.number, epoch, self._merit(value))
            if trial.state == TrialState.COMPLETE:
                self._complete(trial)

    @property
    def next_number(self) -> int:
        """Number that the next trial will have."""
        return len(self._trials())

    def ask(self, fixed: Values | None = None) -> Suggestion | None:
        """Suggest the next trial, by the sampler or with `fixed`; None if the grid is exhausted.

        Parameters
        ----------
        fixed : dict of str to scalar, optional
            Values of the searched settings. Where they lie outside the space the trial is run all
            the same, but the sampler does not learn from it.
        """
        number = self.next_number
        if fixed is None and self._grid is not None:
            fixed = self._grid.next()
            if fixed is None:
                return None
        is_outside = fixed is not None and not self._contains(fixed)
        if fixed is not None and not is_outside:
            self._study.enqueue_trial(fixed)
        trial = self._ask(number)
        if fixed is not None and is_outside:
            trial.set_user_attr("values", fixed)
            values = fixed
        else:
            values = self._suggest(trial)
        self._mark_grid_point(number, values)
        self._storage.add(self._with_sampler_attributes(number))
        return Suggestion(number, values)

    def resume(self) -> list[Suggestion]:
        """Return the trials that were still running when the last session ended."""
        resumed = []
        for frozen in self._trials():
            if frozen.state != TrialState.RUNNING:
                continue
            self._study.sampler = self._sampler(frozen.number, self._learned())
            trial_id = self._memory.get_trial_id_from_study_id_trial_number(
                self._memory.get_study_id_from_name(self.name), frozen.number
            )
            trial = self._running[frozen.number] = optuna.Trial(self._study, trial_id)
            values = frozen.user_attrs.get("values")
            if values is None:
                stored, values = set(frozen.params), self._suggest(trial)
                for path in values.keys() - stored:  # it came from Optuna's queue
                    self._storage.set_param(
                        frozen.number, path, values[path], self._distributions[path]
                    )
            resumed.append(Suggestion(frozen.number, values))
        return resumed

    def finished(self) -> list[FinishedTrial]:
        """Trials that have ended, in the order of their numbers."""
        return [finished_trial(trial) for trial in self._trials() if trial.state in FINAL_STATES]

    def report(self, number: int, epoch: int, value: float) -> None:
        """Note a trial's best value so far; a second report of an epoch changes nothing.

        Parameters
        ----------
        epoch : int
            Counts from 1: Hyperband compares it with its rungs.
        """
        if epoch not in self._trials()[number].intermediate_values:
            self._running[number].report(value, epoch)
            self._pruner.report(number, epoch, self._merit(value))
            self._storage.report(number, epoch, value)

    def should_prune(self, number: int, epoch: int) -> bool:
        """Whether to prune a trial after an epoch; False unless it is the last reported epoch."""
        last = max(self._trials()[number].intermediate_values)
        return epoch == last and self._pruner.should_prune(number, epoch)

    def tell(
        self, number: int, state: FinalState, value: float | None = None, **attributes: Any
    ) -> None:
        """Finish a trial: store its attributes, its final state and its value.

        Parameters
        ----------
        value : float, optional
            The best value of a complete trial; that of a pruned one is the last one reported.
        **attributes
            Kept with the trial: its curve, why it failed.
        """
        for name, attribute in attributes.items():
            self._running[number].set_user_attr(name, attribute)
        optuna_state = next(known for known, ours in FINAL_STATES.items() if ours == state)
        ended = self._study.tell(number, value, state=optuna_state)
        self._storage.finish(ended)
        if state == "complete":
            self._complete(ended)
        del self._running[number]

    def _complete(self, trial: FrozenTrial) -> None:
        values = trial.intermediate_values.items()
        self._pruner.complete({epoch: self._merit(value) for epoch, value in values})

    def _merit(self, value: float) -> float:
        """Return the value, negated if the objective is minimized, so that higher is better."""
        return value if self._maximize else -value

    def _ask(self, number: int) -> optuna.Trial:
        self._study.sampler = self._sampler(number, self._learned())
        trial = self._running[number] = self._study.ask()
        return trial

    def _suggest(self, trial: optuna.Trial) -> Values:
        values: Values = {}
        for path in ordered(self._space):
            if is_active(self._space[path], values):
                values[path] = suggest(trial, path, self._distributions[path])
        return values

    def _mark_grid_point(self, number: int, values: Values) -> None:
        """Mark a trial's grid point as tried, unless its baseline changes other settings too."""
        own = baseline_settings(self._config, number)
        rest = own.keys() - values.keys()
        if self._grid and all(own[path] == value_at(self._config, path) for path in rest):
            self._grid.mark_tried(values)

    def _restore_sampler(self, attributes: Mapping[str, Any]) -> None:
        study_id = self._memory.get_study_id_from_name(self.name)
        for name, value in attributes.items():
            self._memory.set_study_system_attr(study_id, name, value)

    def _with_sampler_attributes(self, number: int) -> FrozenTrial:
        """Return a copy of a trial that also carries the sampler's study-wide attributes."""
        study_id = self._memory.get_study_id_from_name(self.name)
        trial = copy.copy(self._trials()[number])
        if kept := self._memory.get_study_system_attrs(study_id):
            trial.system_attrs = {**trial.system_attrs, SAMPLER_ATTRIBUTES: kept}
        return trial

    def _contains(self, values: Values) -> bool:
        return all(contains(self._space[path], value) for path, value in values.items())

    def _learned(self) -> int:
        """Number of complete or pruned trials, which are those a sampler learns from."""
        states = (TrialState.COMPLETE, TrialState.PRUNED)
        return sum(trial.state in states for trial in self._trials())

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)
