"""A study: suggests trials in memory and stores each suggestion before it is used.

Every suggestion is a function of the trials so far, the search's seed and the trial's number: a
study that is opened again suggests what it would have suggested. The database is read when the
study is opened; after that, only what other programs add to it.
"""

import copy
import logging
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.search import Limits
from mnist_seq.config.settings import Values, value_at
from mnist_seq.errors import ConfigError
from mnist_seq.records import FinalState, parse_records
from mnist_seq.search.aims import COSTS, Costs, directions, known_costs
from mnist_seq.search.finished_trial import (
    FINAL_STATES,
    INFEASIBLE,
    OPTUNA_STATES,
    FinishedTrial,
    finished_trial,
    own_settings,
    settings_of,
)
from mnist_seq.search.first_trials import first_trials
from mnist_seq.search.limits import LimitViolation, find_violation, parameters_of, within_size
from mnist_seq.search.migration import COPIED, copied, copy_into_space
from mnist_seq.search.other_programs import fits, has_settings, problem_of, within_space
from mnist_seq.search.pruners import build_pruner
from mnist_seq.search.retry import BRACKETS, failed_trials, retry
from mnist_seq.search.samplers import (
    GridPoints,
    build_gp_sampler,
    build_sampler,
    distributions,
    suggest,
)
from mnist_seq.search.space import contains, is_active, ordered
from mnist_seq.search.storage import BEYOND_LIMITS, FIRST, StudyStorage
from mnist_seq.search.study_settings import (
    baseline_settings,
    check_unchanged,
    fixed_settings,
    most_epochs,
    study_name,
    trial_config,
)

SAMPLER_ATTRIBUTES = "study"  # with each trial: what the sampler keeps with the whole study
CONSTRAINT = "search.limits"  # Optuna's name for it: above 0 where a trial breaks one

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Suggestion:
    """A trial's number and the suggested values of the searched settings."""

    number: int
    settings: Values


class Study:
    """A study in an Optuna database, resumed if it already exists.

    Parameters
    ----------
    storage : StudyStorage
        The database.
    config : SweepConfig
        Name, space, sampler, pruner, objective and seed.
    warn : callable
        Told in one line of a trial that cannot be tried.

    Attributes
    ----------
    name : str
        The study's.
    kept : (int, int) or None
        If the space has changed: how many of how many earlier trials lie inside the new one.
    retried : list of int
        Trials that an earlier session has noted as failed and that are tried again.
    readmitted : list of int
        Trials that broke an earlier limit, keep to the present ones, and are tried again.

    Raises
    ------
    ConfigError
        If the study's trials had other settings.
    StoreError
        If another program made a study of this name.
        Here and from every method, in one line: the database cannot be read or written.
    """

    def __init__(
        self,
        storage: StudyStorage,
        config: SweepConfig,
        warn: Callable[[str], None] = _log.warning,
    ) -> None:
        self.name = study_name(config)
        self.kept: tuple[int, int] | None = None
        self._storage, self._config, self._space = storage, config, config.search.space
        self.warn = warn
        self._maximize = config.search.metric == "validation_accuracy"
        self._directions = directions(config.search)
        self._distributions = distributions(self._space)
        self._allows = within_size(config.search.limits, config)
        self._sampler = partial(
            build_sampler,
            config.search,
            most_epochs(config),
            allows=self._allows,
            parameters=parameters_of(config) if "parameters" in config.search.costs else None,
        )
        stored_name = self._open_stored()
        self.retried = failed_trials(storage, every=config.retry_failed)
        self.readmitted = [
            trial.number
            for trial in storage.trials()
            if INFEASIBLE in trial.user_attrs and self._violation(trial) is None
        ]
        self._refused: set[int] = set()
        again = {*self.retried, *self.readmitted}
        retry(storage, self.name, again, self._directions)
        self._brackets = storage.attributes().get(BRACKETS, stored_name)
        self._load()

    def _load(self, in_training: Set[int] = frozenset()) -> None:
        """Build the in-memory study, the pruner and the grid from all stored trials.

        Those `in_training` are not to be resumed: they go on as they are.
        """
        search = self._config.search
        self._grid = GridPoints(self._space) if search.sampler == "grid" else None
        self._pruner = build_pruner(search, self._brackets, most_epochs(self._config))
        self._memory = optuna.storages.InMemoryStorage()
        # Optuna shows a sampler only the trials of one Hyperband bracket if it knows the pruner:
        # with tens of trials, TPE would never leave its random start. So it is not told.
        self._study = optuna.create_study(
            study_name=self.name,
            storage=self._memory,
            directions=self._directions,
            sampler=self._sampler(0, 0),
            pruner=optuna.pruners.NopPruner(),
        )
        self._unfinished: list[int] = []
        self._beyond: dict[str, str] = {}
        self._copied = self._storage.attributes().get(COPIED, 0)
        for trial in self._storage.trials():
            self._take_in(trial, is_in_training=trial.number in in_training)
        if self._storage.attributes().get(BEYOND_LIMITS, {}) != self._beyond:
            self._storage.set_attribute(BEYOND_LIMITS, self._beyond)
        self._running = {number: self._running_trial(number) for number in in_training}

    def _open_stored(self) -> str:
        """Open, create or migrate the stored study; return its name in the database."""
        settings = fixed_settings(self._config)
        name = self._storage.open(self.name)
        if name is None:
            name, first = self.name, first_trials(self._storage, self._config)
            self._storage.create(name, self._directions)
        else:
            before = self._storage.attributes()["settings"]
            if before == settings:
                return name
            check_unchanged(self.name, before, self._config)
            first = self._storage.attributes().get(FIRST, [])
            if before["search"]["space"] != settings["search"]["space"]:
                name, self.kept = copy_into_space(
                    self._storage, self.name, self._config, self._distributions
                )
        if first:
            self._storage.set_attribute(FIRST, first)
        self._storage.set_attribute("settings", settings)
        return name

    def _take_in(self, trial: FrozenTrial, *, is_in_training: bool = False) -> None:
        """Add a stored trial to the in-memory study, the pruner and the grid."""
        if trial.state == TrialState.WAITING:  # enqueued by Optuna or its dashboard
            is_claimed = self._storage.claim(trial.number)
            trial = self._storage.trial(trial.number) or trial
            is_in_training = not is_claimed
        if trial.state == TrialState.RUNNING and not is_in_training and has_settings(trial):
            if problem := problem_of(trial, self._space):
                trial = self._refuse(trial, f"refused config: {problem}")
            else:
                trial = within_space(trial, self._space)
                self._unfinished.append(trial.number)
        broken = self._violation(trial) if trial.state in FINAL_STATES else None
        if not fits(trial, self._distributions):  # the sampler cannot learn from it
            trial = copied(trial, settings_of(trial), {}, {})
        if broken is not None:
            trial = copy.deepcopy(trial)
            trial.set_constraint(CONSTRAINT, broken.violation)
            if INFEASIBLE not in trial.user_attrs:
                self._beyond[str(trial.number)] = broken.reason
        self._study.add_trial(trial)
        number = self.next_number - 1
        self._restore_sampler(trial.system_attrs.get(SAMPLER_ATTRIBUTES, {}))
        self._mark_grid_point(number, settings_of(trial))
        costs = known_costs(trial, len(self._config.search.costs))
        # Brackets follow from a study's name: rungs under another one say nothing here.
        if number >= self._copied and costs is not None:
            for epoch, value in sorted(trial.intermediate_values.items()):
                if epoch > 0:
                    self._pruner.report(number, epoch, self._merit(value), costs)
        if trial.state == TrialState.COMPLETE:
            self._complete(trial)

    def _refuse(self, trial: FrozenTrial, reason: str) -> FrozenTrial:
        """Fail a stored trial that was never run; return it as it is stored then."""
        refused = copy.copy(trial)
        refused.state, refused.user_attrs = TrialState.FAIL, {**trial.user_attrs, "reason": reason}
        self._storage.finish(refused)
        self.warn(f"trial {trial.number}: failed: {reason}")
        self._refused.add(trial.number)
        return self._storage.trial(trial.number) or refused

    def pop_refused(self) -> set[int]:
        """Return, once, the numbers of enqueued trials that were refused since the last call."""
        numbers, self._refused = self._refused, set()
        return numbers

    def wait_for_server(self, is_stopped: Callable[[], bool]) -> None:
        """From now on wait where the database's server is away, until the user stops that."""
        self._storage.wait.begin(is_stopped, self.warn)

    @property
    def first(self) -> list[Values]:
        """What is tried first, after the baselines: the best trials of an earlier study."""
        return list(self._storage.attributes().get(FIRST, []))

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
        stored_number = self._storage.add(self._with_sampler_attributes(number))
        if stored_number != number:  # another program has added a trial meanwhile
            self._load(self._running.keys() - {number} | {stored_number})
        return Suggestion(stored_number, values)

    def resume(self) -> list[Suggestion]:
        """Return the trials that nobody runs yet, each once.

        First those that an earlier session left, later those that others have enqueued since.
        """
        while (added := self._storage.trial(self.next_number)) is not None:
            self._take_in(added)
        unfinished, self._unfinished = self._unfinished, []
        return [self._resumed(number) for number in unfinished]

    def _resumed(self, number: int) -> Suggestion:
        self._study.sampler = self._sampler(number, self._learned())
        trial = self._running[number] = self._running_trial(number)
        stored = self._trials()[number]
        if (own := own_settings(stored)) is not None:
            return Suggestion(number, own)
        known, values = set(stored.params), self._suggest(trial)
        for path in values.keys() - known:  # it came from Optuna's queue
            self._storage.set_param(number, path, values[path], self._distributions[path])
        self._mark_grid_point(number, values)
        return Suggestion(number, values)

    def _running_trial(self, number: int) -> optuna.Trial:
        """Return the in-memory trial of a number, to be suggested and reported to."""
        return optuna.Trial(self._study, self._memory_id(number))

    def _memory_id(self, number: int) -> int:
        study_id = self._memory.get_study_id_from_name(self.name)
        return self._memory.get_trial_id_from_study_id_trial_number(study_id, number)

    def finished(self) -> list[FinishedTrial]:
        """Trials that have ended, in the order of their numbers."""
        return [
            finished_trial(trial, self._beyond.get(str(trial.number)))
            for trial in self._trials()
            if trial.state in FINAL_STATES
        ]

    def expected_gain(self, trials: int) -> float | None:
        """Expected gain of the best accuracy from so many more trials; None while not known.

        A function of the trials so far, whichever sampler suggests them.
        """
        model = build_gp_sampler(
            self._config.search, most_epochs(self._config), self.next_number, self._allows
        )
        return model.expected_gain(self._study, trials)

    def report(self, number: int, epoch: int, value: float, costs: Costs = ()) -> None:
        """Note a trial's best value so far; a second report of an epoch changes nothing.

        Parameters
        ----------
        epoch : int
            Counts from 1: Hyperband compares it with its rungs.
        costs : tuple of float
            The other aims' values; those of the trial's first report are kept.
        """
        trial = self._trials()[number]
        if epoch not in trial.intermediate_values:
            if costs and not self._costs(trial):
                self._storage.set_trial_attribute(number, COSTS, costs)
                self._running[number].set_user_attr(COSTS, costs)
            # A trial of a study with several aims refuses a report, its storage does not.
            self._memory.set_trial_intermediate_value(self._memory_id(number), epoch, value)
            costs = self._costs(self._trials()[number])
            self._pruner.report(number, epoch, self._merit(value), costs)
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
        optuna_state = OPTUNA_STATES[state]
        if state == "infeasible":
            self._running[number].set_user_attr(INFEASIBLE, True)
            broken = self._violation(self._trials()[number])
            # None where an earlier session ended it, before a crash, under narrower limits.
            violation = 0.0 if broken is None else broken.violation
            self._running[number].set_constraint(CONSTRAINT, violation)
        values = None if value is None else [value, *self._costs(self._trials()[number])]
        ended = self._study.tell(number, values, state=optuna_state)
        self._storage.finish(ended)
        if state == "complete":
            self._complete(ended)
        del self._running[number]

    def _violation(self, trial: FrozenTrial) -> LimitViolation | None:
        """Return the limit that an ended trial breaks, or None."""
        limits = self._config.search.limits
        if limits == Limits():
            return None
        try:
            config = trial_config(self._config, trial.number, settings_of(trial))
        except ConfigError:  # it failed for just that reason
            return None
        return find_violation(limits, config, parse_records(finished_trial(trial).records))

    def _complete(self, trial: FrozenTrial) -> None:
        values = trial.intermediate_values.items()
        curve = {epoch: self._merit(value) for epoch, value in values}
        self._pruner.complete(curve, self._costs(trial))

    def _costs(self, trial: FrozenTrial) -> Costs:
        return known_costs(trial, len(self._config.search.costs)) or ()

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
