"""The search's memory and its choices: the only file that knows Optuna.

Every suggestion is a function of the finished trials, the search's seed and the trial's number:
a search that was stopped and taken up again asks for what it would have asked for.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import optuna
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import OperationalError

from mnist_seq.config import Scalar, SearchConfig
from mnist_seq.errors import StoreError
from mnist_seq.records import EndState
from mnist_seq.samplers import build_pruner, build_sampler, distribution
from mnist_seq.space import Values, contains, grid, is_active, ordered

SECONDS_FOR_A_LOCK = 60
SPACE_MARK = " space "  # no name has a blank


Method = TypeVar("Method", bound=Callable[..., Any])


def _stored(method: Method) -> Method:
    """Say in one line that the database cannot be read or written."""

    @functools.wraps(method)
    def checked(self: "Study", *arguments: Any, **named: Any) -> Any:
        try:
            return method(self, *arguments, **named)
        except (optuna.exceptions.StorageInternalError, OperationalError) as error:
            cause = error.__cause__ or error
            words = str(getattr(cause, "orig", cause)).splitlines()[0]
            raise StoreError(
                f"{self._path}: {words}; when that is mended, the same command goes on"
            ) from error

    return cast("Method", checked)


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
    settings : mapping
        Kept with the study: what the trials have in common.
    unsearched : callable
        Value of a setting where it is not searched.

    Attributes
    ----------
    kept : (int, int) or None
        If the space has changed: how many of how many earlier trials lie inside the new one.
    """

    @_stored
    def __init__(
        self,
        path: Path,
        name: str,
        search: SearchConfig,
        epochs: int,
        settings: Mapping[str, Any],
        unsearched: Callable[[str], Scalar],
    ) -> None:
        # Optuna reports a locked database by itself as well, with a traceback.
        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        self._path = path
        self._search = search
        self._distributions = {
            dimension_path: distribution(dimension_path, dimension)
            for dimension_path, dimension in search.space.items()
        }
        self._order = ordered(search.space)
        self._grid = grid(search.space) if search.sampler == "grid" else None
        self._pruner = build_pruner(search, epochs)
        self._live: dict[int, optuna.Trial] = {}
        self.kept: tuple[int, int] | None = None
        storage = _storage(path)
        latest = _latest(storage, name)
        if latest is None:
            self._study = self._create(storage, name)
        else:
            self._study = self._create(storage, latest.study_name)
            if latest.user_attrs["settings"]["search"]["space"] != settings["search"]["space"]:
                self._study = self._with_new_space(storage, name, self._study, unsearched)
        self._study.set_user_attr("settings", dict(settings))

    def _create(self, storage: optuna.storages.RDBStorage, name: str) -> optuna.Study:
        # Optuna shows a sampler only the trials of one Hyperband bracket if it knows the pruner:
        # with tens of trials, TPE would never leave its random start. So it is not told.
        return optuna.create_study(
            study_name=name,
            storage=storage,
            direction="maximize" if self._search.objective == "validation_accuracy" else "minimize",
            sampler=build_sampler(self._search, 0),
            pruner=optuna.pruners.NopPruner(),
            load_if_exists=True,
        )

    def _with_new_space(
        self,
        storage: optuna.storages.RDBStorage,
        name: str,
        old: optuna.Study,
        unsearched: Callable[[str], Scalar],
    ) -> optuna.Study:
        """The same trials under a new space, which Optuna itself cannot change.

        A copy counts once its settings are noted, after its last trial: a crash before that
        leaves the old study in force.
        """
        number = (
            int(old.study_name.rpartition(SPACE_MARK)[2]) if SPACE_MARK in old.study_name else 1
        )
        copy_name = f"{name}{SPACE_MARK}{number + 1}"
        if copy_name in {s.study_name for s in storage.get_all_studies()}:
            optuna.delete_study(study_name=copy_name, storage=storage)
        copy = self._create(storage, copy_name)
        inside = 0
        for trial in old.get_trials(deepcopy=False, states=_STARTED):
            values = trial.user_attrs.get("values") or dict(trial.params)
            params = self._as_searched(values, unsearched)
            inside += params is not None
            copied = create_trial(
                state=trial.state,
                value=trial.value if trial.state in _STATES else None,
                params=params or {},
                distributions={path: self._distributions[path] for path in params or {}},
                user_attrs={**trial.user_attrs, "values": values},
                intermediate_values=trial.intermediate_values,
            )
            copied.datetime_start = trial.datetime_start
            copied.datetime_complete = trial.datetime_complete
            copy.add_trial(copied)
        self.kept = (inside, len(copy.get_trials(deepcopy=False)))
        return copy

    def _as_searched(self, values: Values, unsearched: Callable[[str], Scalar]) -> Values | None:
        """A trial's values as this space would have named them, or None if it has no such trial."""
        named: Values = {}
        for path in self._order:
            if is_active(self._search.space[path], named):
                named[path] = values.get(path, unsearched(path))
        left = values.keys() - named.keys()
        same = all(values[path] == unsearched(path) for path in left)
        return named if same and self._inside(named) else None

    @property
    @_stored
    def next_number(self) -> int:
        """Number that the next trial will have."""
        return len(self._study.get_trials(deepcopy=False, states=_STARTED))

    @_stored
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
            fixed = self._next_point()
            if fixed is None:
                return None
        # One that waits was put there for just this number, by a session that was cut off.
        waits = self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        if fixed is not None and self._inside(fixed) and not waits:
            self._study.enqueue_trial(fixed)
        self._study.sampler = build_sampler(self._search, number)
        trial = self._study.ask()
        self._live[trial.number] = trial
        if fixed is not None and not self._inside(fixed):
            trial.set_user_attr("values", fixed)
            return Suggestion(trial.number, fixed)
        return Suggestion(trial.number, self._suggest(trial))

    @_stored
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

    @_stored
    def finished(self) -> list[Finished]:
        """Trials that are over, in the order of their numbers."""
        return _finished(self._study.get_trials(deepcopy=False, states=tuple(_STATES)))

    @_stored
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

    @_stored
    def note(self, number: int, **attributes: Any) -> None:
        """Keep something with a trial: its run, its best epoch, its parameters."""
        for name, value in attributes.items():
            self._live[number].set_user_attr(name, value)

    @_stored
    def complete(self, number: int, value: float) -> None:
        """End a trial with its best value."""
        self._study.tell(self._live.pop(number).number, value)

    @_stored
    def prune(self, number: int) -> None:
        """End a trial that was given up; its value is the last one reported."""
        self._study.tell(self._live.pop(number).number, state=TrialState.PRUNED)

    @_stored
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

    def _next_point(self) -> Values | None:
        trials = self._study.get_trials(deepcopy=False, states=_STARTED)
        tried = [trial.user_attrs.get("values") or dict(trial.params) for trial in trials]
        return next((point for point in self._grid or () if point not in tried), None)

    def _inside(self, values: Values) -> bool:
        return all(contains(self._search.space[path], value) for path, value in values.items())

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study._storage.get_trial(self._live[number]._trial_id)


def stored_settings(path: Path, name: str) -> Mapping[str, Any] | None:
    """What the trials of a study have in common, or None where there is no such study."""
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    latest = _latest(_storage(path), name) if path.exists() else None
    return latest.user_attrs["settings"] if latest else None


def finished_trials(path: Path, name: str) -> list[Finished]:
    """Trials of a study that are over, read without touching it."""
    if not path.exists():
        return []
    storage = _storage(path)
    latest = _latest(storage, name)
    if latest is None:
        return []
    return _finished(
        storage.get_all_trials(latest._study_id, deepcopy=False, states=tuple(_STATES))
    )


def _finished(trials: Iterable[FrozenTrial]) -> list[Finished]:
    return [
        Finished(
            number=frozen.number,
            values=frozen.user_attrs.get("values") or dict(frozen.params),
            state=_STATES[frozen.state],
            records=frozen.user_attrs.get("records", []),
            reason=frozen.user_attrs.get("reason"),
        )
        for frozen in trials
    ]


def _storage(path: Path) -> optuna.storages.RDBStorage:
    return optuna.storages.RDBStorage(
        f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": SECONDS_FOR_A_LOCK}}
    )


def _latest(storage: optuna.storages.RDBStorage, name: str) -> FrozenStudy | None:
    """The study under the space it had last; copies that were not finished do not count."""
    whole = [
        study
        for study in storage.get_all_studies()
        if "settings" in study.user_attrs
        and (study.study_name == name or study.study_name.startswith(f"{name}{SPACE_MARK}"))
    ]
    return max(whole, key=lambda study: study._study_id, default=None)


_STATES: dict[TrialState, EndState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
_STARTED = (TrialState.RUNNING, *_STATES)
