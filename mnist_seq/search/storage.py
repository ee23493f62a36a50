"""Access to a study in Optuna's database; database errors become one-line messages."""

import copy
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from mnist_seq.config.settings import Scalar, Values
from mnist_seq.errors import ServerUnavailableError, StoreError
from mnist_seq.postgresql import database as postgresql
from mnist_seq.search.finished_trial import (
    FINAL_STATES,
    REASON,
    FinishedTrial,
    finished_trial,
    settings_of,
)
from mnist_seq.search.server_wait import ServerWait, retry_while_unavailable
from mnist_seq.sqlite import database as sqlite

SECONDS_FOR_A_LOCK = 60
# PostgreSQL's classes of errors that pass by themselves: no connection, no room for one, shut down.
PASSING = ("08", "53", "57")
SPACE_MARK = " space "  # no name has a blank
FIRST = "first"  # with the study: what it tries first, after its baselines
BEYOND_LIMITS = "beyond_limits"  # with the study: by number, trials that break its later limits


class StudyStorage:
    """One study in an Optuna database, to which other programs may add trials meanwhile.

    Each method that adds or ends a trial leaves a database that a later session can go on with,
    wherever in it the process is killed.

    Parameters
    ----------
    place : Path or str
        An SQLite file, absolute; or the address of a PostgreSQL database. Its tables are made
        where they are not there.

    Attributes
    ----------
    wait : ServerWait
        Whether methods wait where the server is away, or raise a ServerUnavailableError.
    ensure_lock : callable
        Called before a trial is added or ended: raises if another driver runs the study by now.

    Raises
    ------
    StoreError
        Here and from every method, in one line: the database cannot be read or written.
    """

    def __init__(self, place: Path | str) -> None:
        # Optuna reports a locked database by itself as well, with a traceback.
        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        self._place = place
        self.wait = ServerWait()
        self.ensure_lock: Callable[[], object] = lambda: None
        with self._translate_errors():
            try:
                self._storage = _opened(place)
            except RuntimeError as error:
                url = place if isinstance(place, str) else sqlite.address(place)
                other = "search.storage" if isinstance(place, str) else "tracking.folder"
                raise StoreError(
                    f"{self._place}: was made by another version of Optuna than "
                    f"{optuna.__version__}; run optuna storage upgrade --storage "
                    f"{url}, or choose another {other}"
                ) from error
        self._study = -1
        self._ids: dict[int, int] = {}  # by number
        self._reports: deque[tuple[int, int, float]] = deque()  # that are not stored yet

    @retry_while_unavailable
    def open(self, name: str) -> str | None:
        """Open the study's latest copy; return the copy's name in the database, or None."""
        with self._translate_errors():
            known = [
                known
                for known in self._names()
                if re.fullmatch(rf"{re.escape(name)}({SPACE_MARK}\d{{1,9}})?", known)
            ]
            for latest in sorted(known, key=_space_number, reverse=True):
                self._study, self._ids = self._storage.get_study_id_from_name(latest), {}
                # A copy that was not finished has none, nor has another program's study.
                if isinstance(self.attributes().get("settings"), Mapping):
                    return latest
        return None

    @retry_while_unavailable
    def create(self, name: str, directions: Sequence[StudyDirection]) -> None:
        """Create the study, or reuse one that a crash has left without settings and trials.

        Parameters
        ----------
        directions : sequence of StudyDirection
            One for each aim.

        Raises
        ------
        StoreError
            If there is one of this name that another program made.
        """
        with self._translate_errors():
            if name not in self._names():
                self._storage.create_new_study(directions, name)
            self._study, self._ids = self._storage.get_study_id_from_name(name), {}
            known = self._storage.get_study_directions(self._study)
            others = self.attributes().keys() - {FIRST}
            if known != directions or others or self.trial(0) is not None:
                raise StoreError(
                    f"{self._place}: study {name} is there and was made by another program; "
                    "name another study=..."
                )

    def create_copy(self, name: str, directions: Sequence[StudyDirection]) -> str:
        """Create an empty copy of the study for a changed space; return the copy's name."""
        number = _space_number(self.open(name) or name) + 1
        copy = f"{name}{SPACE_MARK}{number}"
        with self._translate_errors():
            if copy in self._names():
                self._storage.delete_study(self._storage.get_study_id_from_name(copy))
        self.create(copy, directions)
        return copy

    @retry_while_unavailable
    def attributes(self) -> Mapping[str, Any]:
        """Return the study's user attributes."""
        with self._translate_errors():
            return self._storage.get_study_user_attrs(self._study)

    @retry_while_unavailable
    def set_attribute(self, name: str, value: Any) -> None:
        """Set a user attribute of the study."""
        with self._translate_errors():
            self._storage.set_study_user_attr(self._study, name, value)

    @retry_while_unavailable
    def trials(self) -> list[FrozenTrial]:
        """Return all trials ordered by number."""
        with self._translate_errors():
            return self._storage.get_all_trials(self._study, deepcopy=False)

    @retry_while_unavailable
    def trial(self, number: int) -> FrozenTrial | None:
        """Return one trial, or None if there is none of this number."""
        with self._translate_errors():
            try:
                trial_id = self._storage.get_trial_id_from_study_id_trial_number(
                    self._study, number
                )
            except KeyError:
                return None
            return self._storage.get_trial(trial_id)

    @retry_while_unavailable
    def claim(self, number: int) -> bool:
        """Set an enqueued trial to running; return False if another program was faster."""
        with self._translate_errors():
            return self._storage.set_trial_state_values(self._id(number), TrialState.RUNNING)

    @retry_while_unavailable
    def finished(self) -> list[FinishedTrial]:
        """Trials that have ended, in the order of their numbers; nothing is written."""
        states = tuple(FINAL_STATES)
        with self._translate_errors():
            trials = self._storage.get_all_trials(self._study, deepcopy=False, states=states)
        beyond = self.attributes().get(BEYOND_LIMITS, {})
        return [finished_trial(trial, beyond.get(str(trial.number))) for trial in trials]

    @retry_while_unavailable
    def running(self) -> dict[int, Values]:
        """Values of the trials that have begun and not ended, by number; nothing is written."""
        states = (TrialState.RUNNING,)
        with self._translate_errors():
            trials = self._storage.get_all_trials(self._study, deepcopy=False, states=states)
        return {trial.number: settings_of(trial) for trial in trials}

    def add(self, trial: FrozenTrial) -> int:
        """Add a trial with all its data in one transaction; return its number."""
        number = self._add(trial)
        # Where a server was lost after it had stored the trial, it has been stored again since.
        for earlier in range(trial.number, number) if trial.number >= 0 else ():
            found = self.trial(earlier)
            if found is not None and found.datetime_start == trial.datetime_start:
                self._end_double(number, earlier)
                return earlier
        return number

    @retry_while_unavailable
    def _add(self, trial: FrozenTrial) -> int:
        self.ensure_lock()
        with self._translate_errors():
            trial_id = self._storage.create_new_trial(self._study, template_trial=trial)
            return self._storage.get_trial_number_from_id(trial_id)

    def _end_double(self, number: int, earlier: int) -> None:
        double = self.trial(number)
        if double is not None and not double.state.is_finished():
            double = copy.copy(double)
            reason = f"stored twice: the server was lost meanwhile; it is trial {earlier}"
            double.state, double.user_attrs = TrialState.FAIL, {**double.user_attrs, REASON: reason}
            self.finish(double)

    @retry_while_unavailable
    def set_param(self, number: int, path: str, value: Scalar, known: BaseDistribution) -> None:
        """Set one parameter that a trial was stored without."""
        with self._translate_errors():
            internal = known.to_internal_repr(value)
            self._storage.set_trial_param(self._id(number), path, internal, known)

    @retry_while_unavailable
    def set_trial_attribute(self, number: int, name: str, value: Any) -> None:
        """Set a user attribute of a trial."""
        with self._translate_errors():
            self._storage.set_trial_user_attr(self._id(number), name, value)

    def report(self, number: int, epoch: int, value: float) -> None:
        """Store a trial's intermediate value after an epoch; later, if the server is away."""
        self._reports.append((number, epoch, value))
        if self.wait.is_due:
            try:
                self._store_reports()
            except ServerUnavailableError as error:
                self.wait.put_off(error)

    def _store_reports(self) -> None:
        while self._reports:
            number, epoch, value = self._reports[0]
            with self._translate_errors():
                trial_id = self._known_id(number)
                self._storage.set_trial_intermediate_value(trial_id, epoch, value)
            self._reports.popleft()
            self.wait.end()

    @retry_while_unavailable
    def finish(self, trial: FrozenTrial) -> None:
        """Store a finished trial: its attributes first, then its state and value."""
        self.ensure_lock()
        self._store_reports()
        with self._translate_errors():
            trial_id = self._known_id(trial.number)
            if self._is_finished(trial_id, trial):  # by an attempt whose answer was lost
                return
            for name, value in trial.user_attrs.items():
                self._storage.set_trial_user_attr(trial_id, name, value)
            self._storage.set_trial_state_values(trial_id, trial.state, trial.values)

    def _is_finished(self, trial_id: int, trial: FrozenTrial) -> bool:
        """Whether a server has stored a trial's final state and values already."""
        if isinstance(self._place, Path):
            return False
        stored = self._storage.get_trial(trial_id)
        return (stored.state, stored.values) == (trial.state, trial.values)

    @retry_while_unavailable
    def _id(self, number: int) -> int:
        with self._translate_errors():
            return self._known_id(number)

    def _known_id(self, number: int) -> int:
        if number not in self._ids:
            self._ids[number] = self._storage.get_trial_id_from_study_id_trial_number(
                self._study, number
            )
        return self._ids[number]

    def _names(self) -> list[str]:
        return [study.study_name for study in self._storage.get_all_studies()]

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except optuna.exceptions.UpdateFinishedTrialError as error:
            raise StoreError(
                f"{self._place}: a trial that runs was ended by another program; "
                "the same command goes on without it"
            ) from error
        except KeyError as error:
            raise StoreError(
                f"{self._place}: the study was deleted by another program while it ran"
            ) from error
        except (optuna.exceptions.StorageInternalError, SQLAlchemyError, ValueError) as error:
            cause = error.__cause__ or error
            words = str(getattr(cause, "orig", cause)).splitlines()[0]
            if isinstance(self._place, str) and _passes(cause):
                raise ServerUnavailableError(
                    f"{self._place}: cannot be reached ({words})"
                ) from error
            raise StoreError(
                f"{self._place}: {words}; when that is mended, the same command goes on"
            ) from error


def is_made(place: Path | str) -> bool:
    """Whether there is a database of studies at a path or an address.

    Raises
    ------
    StoreError
        If a server's database cannot be used.
    """
    return postgresql.is_made(place) if isinstance(place, str) else sqlite.is_made(place)


def _opened(place: Path | str) -> RDBStorage:
    if isinstance(place, str):
        with postgresql.prepared(place):
            return RDBStorage(
                place,
                engine_kwargs={"pool_pre_ping": True, "connect_args": postgresql.CONNECTION},
            )
    sqlite.make_whole(place, _make)
    timeout = {"connect_args": {"timeout": SECONDS_FOR_A_LOCK}}
    return RDBStorage(sqlite.address(place), engine_kwargs=timeout)


def _passes(error: BaseException) -> bool:
    """Whether a server's error is one that passes by itself: it is away, or has no room."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    state = getattr(error.orig, "sqlstate", None)
    is_lost = isinstance(error, OperationalError | InterfaceError) and state is None
    return error.connection_invalidated or is_lost or str(state).startswith(PASSING)


def _make(database: Path) -> None:
    # Without a pool, which would keep the file open.
    RDBStorage(sqlite.address(database), engine_kwargs={"poolclass": NullPool}).remove_session()


def _space_number(study: str) -> int:
    """Parse a copy's number from a study's name in the database; the original is 1."""
    _, mark, number = study.rpartition(SPACE_MARK)
    return int(number) if mark else 1
