"""The search's choices, taken in memory and kept in Optuna's database before anybody acts on them.

Every suggestion is a function of the trials so far, the search's seed and the trial's number: a
search that was stopped and taken up again asks for what it would have asked for. Nothing is read
from the database but at the start, so that what a trial costs hardly grows with the trials.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from mnist_seq.changed_space import open_study
from mnist_seq.config import Scalar, SearchConfig
from mnist_seq.pruning import Judge, build_pruner
from mnist_seq.samplers import Points, build_sampler, distributions
from mnist_seq.space import Values, contains, is_active, ordered, own_settings
from mnist_seq.study_store import ENDED, Finished, StudyStore, as_finished, tried
from mnist_seq.tpe import History

SAMPLER_NOTES = "study"  # what a sampler keeps with the study, with each trial: written at once


@dataclass(frozen=True)
class Suggestion:
    """What a trial shall try."""

    number: int
    values: Values


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
    settings : mapping
        Kept with the study: what the trials have in common.
    unsearched : callable
        Value of a setting where it is not searched.

    Attributes
    ----------
    kept : (int, int) or None
        If the space has changed: how many of how many earlier trials lie inside the new one.

    Raises
    ------
    StoreError
        Here and from every method, in one line: the database cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        search: SearchConfig,
        epochs: int,
        settings: Mapping[str, Any],
        unsearched: Callable[[str], Scalar],
    ) -> None:
        self._search = search
        self._unsearched = unsearched
        self._maximize = search.objective == "validation_accuracy"
        self._distributions = distributions(search.space)
        self._order = ordered(search.space)
        self._points = Points(search.space) if search.sampler == "grid" else None
        self._store = StudyStore(path)
        opened = open_study(
            self._store,
            name,
            self._maximize,
            search.space,
            self._distributions,
            settings,
            unsearched,
        )
        self.kept = opened.kept
        self._store.describe("settings", dict(settings))
        self._judge = Judge(build_pruner(search, opened.name, epochs), self._maximize)
        self._memory = optuna.storages.InMemoryStorage()
        self._history = History()
        self._sampler = partial(build_sampler, search, epochs, self._history)
        self._study = self._create(opened.name)
        self._ids: list[int] = []  # in memory, by number
        self._notes: list[dict[str, Any]] = []
        self._live: dict[int, optuna.Trial] = {}
        self._remember(opened.notes)
        self._recall(self._store.trials(), opened.copied)

    def _create(self, name: str) -> optuna.Study:
        # Optuna shows a sampler only the trials of one Hyperband bracket if it knows the pruner:
        # with tens of trials, TPE would never leave its random start. So it is not told.
        return optuna.create_study(
            study_name=name,
            storage=self._memory,
            direction="maximize" if self._maximize else "minimize",
            sampler=self._sampler(0),
            pruner=optuna.pruners.NopPruner(),
        )

    def _recall(self, trials: Sequence[FrozenTrial], copied: int) -> None:
        """Know all of the earlier trials, as if they had been asked for here."""
        for trial in trials:
            self._notes.append(dict(trial.user_attrs))
            known = copy.copy(trial)
            known.user_attrs = {}
            self._ids.append(self._memory.create_new_trial(self._study._study_id, known))
            self._remember(trial.system_attrs.get(SAMPLER_NOTES, {}))
            self._note_point(trial.number, tried(trial, trial.user_attrs))
            # Brackets follow from a study's name: rungs under another one say nothing here.
            if trial.number >= copied:
                self._judge.recall(trial.number, trial.intermediate_values)
        for trial in trials:
            if trial.state in ENDED:
                self._compare(trial)

    def _remember(self, notes: Mapping[str, Any]) -> None:
        """What a sampler has kept with the study: how far its sequence is."""
        for name, value in notes.items():
            self._memory.set_study_system_attr(self._study._study_id, name, value)

    @property
    def next_number(self) -> int:
        """Number that the next trial will have."""
        return len(self._ids)

    def ask(self, fixed: Values | None = None) -> Suggestion | None:
        """Next trial: of the sampler's choice, or with the values given; None when a grid is done.

        Parameters
        ----------
        fixed : dict of str to scalar, optional
            Values of the searched settings. Where they lie outside the space the trial is run all
            the same, but the sampler does not learn from it.
        """
        number = self.next_number
        if fixed is None and self._points is not None:
            fixed = self._points.next()
            if fixed is None:
                return None
        is_inside = fixed is not None and self._inside(fixed)
        if fixed is not None and is_inside:
            self._study.enqueue_trial(fixed)
        self._study.sampler = self._sampler(number)
        trial = self._study.ask()
        self._live[number] = trial
        self._ids.append(trial._trial_id)
        if fixed is not None and not is_inside:
            values = fixed
            self._notes.append({"values": fixed})
        else:
            values = self._suggest(trial)
            self._notes.append({})
        self._note_point(number, values)
        self._store.add(self._whole(number))
        return Suggestion(number, values)

    def take_up(self) -> list[Suggestion]:
        """Trials that were running when this study was last left."""
        unfinished = []
        for number, trial_id in enumerate(self._ids):
            if self._frozen(number).state != TrialState.RUNNING:
                continue
            known = set(self._frozen(number).params)
            self._study.sampler = self._sampler(number)
            trial = optuna.Trial(self._study, trial_id)
            self._live[number] = trial
            values = self._notes[number].get("values") or self._suggest(trial)
            unfinished.append(Suggestion(number, values))
            self._store.choose(number, known, self._frozen(number))
        return unfinished

    def finished(self) -> list[Finished]:
        """Trials that are over, in the order of their numbers."""
        trials = self._study.get_trials(deepcopy=False, states=tuple(ENDED))
        return [as_finished(trial, self._notes[trial.number]) for trial in trials]

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Note a trial's best value so far; True if the pruner would give the trial up.

        Parameters
        ----------
        epoch : int
            Counts from 1: Hyperband compares it with its rungs.
        """
        known = self._frozen(number).intermediate_values
        if epoch not in known:
            self._live[number].report(value, epoch)
            self._store.report(number, epoch, value)
        return self._judge.is_hopeless(number, epoch, known.get(epoch, value))

    def note(self, number: int, **attributes: Any) -> None:
        """Keep something with a trial, from its end on: its curve, why it failed."""
        self._notes[number].update(attributes)

    def complete(self, number: int, value: float) -> None:
        """End a trial with its best value."""
        self._end(number, None, value)

    def prune(self, number: int) -> None:
        """End a trial that was given up; its value is the last one reported."""
        self._end(number, TrialState.PRUNED)

    def fail(self, number: int, reason: str) -> None:
        """End a trial that has no result."""
        self.note(number, reason=reason)
        self._end(number, TrialState.FAIL)

    def _end(self, number: int, state: TrialState | None, value: float | None = None) -> None:
        told = self._study.tell(number, value, state=state)
        self._store.end(number, told.state, told.value, self._notes[number])
        self._compare(told)
        del self._live[number]

    def _compare(self, trial: FrozenTrial) -> None:
        """Let the trials to come be compared with one that is over."""
        if trial.state != TrialState.FAIL:
            self._history.add(trial)
        if trial.state == TrialState.COMPLETE:
            self._judge.completed(trial.intermediate_values)

    def _suggest(self, trial: optuna.Trial) -> Values:
        values: Values = {}
        for path in self._order:
            if is_active(self._search.space[path], values):
                values[path] = trial._suggest(path, self._distributions[path])
        return values

    def _note_point(self, number: int, values: Values) -> None:
        """Leave a point of a grid out that was tried, but not with other settings of a baseline."""
        own = own_settings(self._search.baselines, number)
        rest = own.keys() - values.keys()
        if self._points is not None and all(own[path] == self._unsearched(path) for path in rest):
            self._points.tried(values)

    def _whole(self, number: int) -> FrozenTrial:
        """A trial as it is kept: with what the sampler would remember of the whole study."""
        whole = copy.copy(self._frozen(number))
        whole.user_attrs = self._notes[number]
        kept = self._memory.get_study_system_attrs(self._study._study_id)
        if kept:
            whole.system_attrs = {**whole.system_attrs, SAMPLER_NOTES: kept}
        return whole

    def _inside(self, values: Values) -> bool:
        return all(contains(self._search.space[path], value) for path, value in values.items())

    def _frozen(self, number: int) -> FrozenTrial:
        return self._memory.get_trial(self._ids[number])
