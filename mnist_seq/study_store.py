"""What a search remembers on disk: Optuna's own tables in SQLite, which its dashboard reads too.

Each method that writes is one transaction: after a crash all of it is there, or nothing. Values
after an epoch wait for the next one, a second at most while they come: a crash loses no more than
the epochs themselves, and whoever trains them again reports them again.
"""

import math
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from mnist_seq import trial_rows
from mnist_seq.errors import StoreError
from mnist_seq.records import EndState
from mnist_seq.space import Values

SECONDS_FOR_A_LOCK = 60
SECONDS_BETWEEN_REPORTS = 1.0
SPACE_MARK = " space "  # no name has a blank
ENDED: dict[TrialState, EndState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


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


class StudyStore:
    """One study in an Optuna database; this process is its only writer.

    Parameters
    ----------
    path : Path
        The SQLite file; made where there is none.

    Raises
    ------
    StoreError
        Here and from every method, in one line: the database cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _one_line(path):
            self._storage = _storage(path)
        self._study = -1
        self._ids: dict[int, int] = {}
        self._steps: list[trial_rows.Step] = []  # reported, and not yet written
        self._reported = -math.inf

    def open(self, name: str) -> FrozenStudy | None:
        """Go on with the study of this name, under the space it had last, if there is one."""
        with _one_line(self._path):
            latest = _latest(self._storage, name)
            if latest is not None:
                self._study = latest._study_id
            return latest

    def create(self, name: str, maximize: bool) -> None:
        """Begin the study of this name, or go on with one that has no settings yet."""
        direction = StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE
        with _one_line(self._path):
            known = {study.study_name: study for study in self._storage.get_all_studies()}
            self._study = (
                known[name]._study_id
                if name in known
                else self._storage.create_new_study([direction], name)
            )

    def remove(self, name: str) -> None:
        """Drop the study of just this name, if there is one."""
        with _one_line(self._path):
            for study in self._storage.get_all_studies():
                if study.study_name == name:
                    self._storage.delete_study(study._study_id)

    def describe(self, name: str, value: Any) -> None:
        """Keep something with the study."""
        with _one_line(self._path):
            self._storage.set_study_user_attr(self._study, name, value)

    def trials(self) -> list[FrozenTrial]:
        """All trials that were begun, in the order of their numbers."""
        with _one_line(self._path):
            trials = self._storage.get_all_trials(self._study, deepcopy=False)
            self._ids = {trial.number: trial._trial_id for trial in trials}
            return [self._begun(trial) for trial in trials]

    def add(self, trial: FrozenTrial) -> None:
        """Keep a trial, whole; its number is the next one."""
        with self._writing() as database:
            self._ids[len(self._ids)] = trial_rows.add(database, self._study, trial)

    def choose(self, number: int, known: Container[str], trial: FrozenTrial) -> None:
        """Keep those values of a trial that it was added without."""
        new = {path: value for path, value in trial.params.items() if path not in known}
        if new:
            with self._writing() as database:
                trial_rows.add_params(database, self._ids[number], new, trial.distributions)

    def report(self, number: int, epoch: int, value: float) -> None:
        """Keep a trial's value after an epoch, now or soon."""
        self._steps.append((self._ids[number], epoch, value))
        if time.monotonic() - self._reported > SECONDS_BETWEEN_REPORTS:
            with self._writing():
                self._reported = time.monotonic()

    def end(
        self, number: int, state: TrialState, value: float | None, notes: Mapping[str, Any]
    ) -> None:
        """Keep how a trial ended, and what is noted with it."""
        with self._writing() as database:
            trial_rows.end(database, self._ids[number], state, value, notes)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _one_line(self._path), self._storage.engine.begin() as database:
            trial_rows.add_steps(database, self._steps)
            yield database
        self._steps.clear()

    def _begun(self, trial: FrozenTrial) -> FrozenTrial:
        # One that waits was put there for just its number, by an earlier version or a dashboard.
        if trial.state == TrialState.WAITING:
            self._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
            return self._storage.get_trial(trial._trial_id)
        return trial


def stored_settings(path: Path, name: str) -> Mapping[str, Any] | None:
    """What the trials of a study have in common, or None where there is no such study.

    Raises
    ------
    StoreError
        If the database cannot be read.
    """
    latest = StudyStore(path).open(name) if path.exists() else None
    return latest.user_attrs["settings"] if latest else None


def finished_trials(path: Path, name: str) -> list[Finished]:
    """Trials of a study that are over, read without touching it.

    Raises
    ------
    StoreError
        If the database cannot be read.
    """
    if not path.exists():
        return []
    with _one_line(path):
        storage = _storage(path)
        latest = _latest(storage, name)
        if latest is None:
            return []
        trials = storage.get_all_trials(latest._study_id, deepcopy=False, states=tuple(ENDED))
    return [as_finished(trial, trial.user_attrs) for trial in trials]


def as_finished(trial: FrozenTrial, notes: Mapping[str, Any]) -> Finished:
    """A trial that is over, without what only Optuna needs."""
    return Finished(
        number=trial.number,
        values=tried(trial, notes),
        state=ENDED[trial.state],
        records=notes.get("records", []),
        reason=notes.get("reason"),
    )


def tried(trial: FrozenTrial, notes: Mapping[str, Any]) -> Values:
    """A trial's values; those that Optuna must not see, as outside the space, are noted."""
    return notes.get("values") or dict(trial.params)


def _storage(path: Path) -> RDBStorage:
    # Optuna reports a locked database by itself as well, with a traceback.
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    address = f"sqlite:///{path}"
    try:
        return RDBStorage(address, engine_kwargs={"connect_args": {"timeout": SECONDS_FOR_A_LOCK}})
    except RuntimeError as error:
        raise StoreError(
            f"{path}: was made by another version of Optuna than {optuna.__version__}; run optuna "
            f"storage upgrade --storage {address}, or choose another tracking.folder"
        ) from error


def _latest(storage: RDBStorage, name: str) -> FrozenStudy | None:
    """The study under the space it had last; copies that were not finished do not count."""
    whole = [
        study
        for study in storage.get_all_studies()
        if "settings" in study.user_attrs
        and (study.study_name == name or study.study_name.startswith(f"{name}{SPACE_MARK}"))
    ]
    return max(whole, key=lambda study: study._study_id, default=None)


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    """Say in one line that the database cannot be read or written."""
    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        cause = error.__cause__ or error
        words = str(getattr(cause, "orig", cause)).splitlines()[0]
        raise StoreError(
            f"{path}: {words}; when that is mended, the same command goes on"
        ) from error
