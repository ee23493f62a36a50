"""Access to a study in Optuna's database; database errors become one-line messages."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from mnist_seq.config import Scalar, Values
from mnist_seq.errors import StoreError
from mnist_seq.records import FinalState, parse_records
from mnist_seq.sqlite.database import address, make_whole

SECONDS_FOR_A_LOCK = 60
SPACE_MARK = " space "  # no name has a blank
INFEASIBLE = "infeasible"  # with a trial: it was ended because it breaks a limit
FIRST = "first"  # with the study: what it tries first, after its baselines
BEYOND_LIMITS = "beyond_limits"  # with the study: by number, trials that break its later limits
FINAL_STATES: dict[TrialState, FinalState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
OPTUNA_STATES: dict[FinalState, TrialState] = {
    **{state: known for known, state in FINAL_STATES.items()},
    "infeasible": TrialState.PRUNED,  # without a value
}


@dataclass(frozen=True)
class FinishedTrial:
    """A trial that has ended: its values and its result.

    Attributes
    ----------
    state : str
        complete, pruned, infeasible or failed.
    records : list of dict
        Its curve, an `EpochRecord` each, as plain values; empty if another program made the trial.
    reason : str or None
        Why it failed, or which limit it breaks.
    """

    number: int
    values: Values
    state: FinalState
    records: list[dict[str, Any]]
    reason: str | None


def finished_trial(trial: FrozenTrial, beyond: str | None = None) -> FinishedTrial:
    """Convert a finished Optuna trial to a `FinishedTrial`.

    Parameters
    ----------
    beyond : str, optional
        Which limit it breaks that the study has got since.
    """
    records = trial.user_attrs.get("records", [])
    try:
        parse_records(records)
    except ValueError:  # another program's attribute of the same name
        records = []
    reason = beyond or trial.user_attrs.get("reason")
    is_infeasible = beyond is not None or INFEASIBLE in trial.user_attrs
    return FinishedTrial(
        number=trial.number,
        values=values_of(trial),
        state="infeasible" if is_infeasible else FINAL_STATES[trial.state],
        records=records,
        reason=None if reason is None else str(reason),
    )


def values_of(trial: FrozenTrial) -> Values:
    """Return a trial's values: its user attribute `values` if set, else its parameters."""
    return own_values(trial) or dict(trial.params)


def own_values(trial: FrozenTrial) -> Values | None:
    """Return the values of a trial that may lie outside the space; None if it has parameters."""
    values = trial.user_attrs.get("values")
    return values if values and isinstance(values, dict) else None


class StudyStorage:
    """One study in an Optuna database, to which other programs may add trials meanwhile.

    Each method that adds or ends a trial leaves a database that a later session can go on with,
    wherever in it the process is killed.

    Parameters
    ----------
    database : Path
        Absolute; made where it is not there.

    Raises
    ------
    StoreError
        Here and from every method, in one line: the database cannot be read or written.
    """

    def __init__(self, database: Path) -> None:
        # Optuna reports a locked database by itself as well, with a traceback.
        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        self._place = database
        timeout = {"connect_args": {"timeout": SECONDS_FOR_A_LOCK}}
        with self._translate_errors():
            make_whole(database, _make)
            try:
                self._storage = RDBStorage(address(database), engine_kwargs=timeout)
            except RuntimeError as error:
                raise StoreError(
                    f"{self._place}: was made by another version of Optuna than "
                    f"{optuna.__version__}; run optuna storage upgrade --storage "
                    f"{address(database)}, or choose another tracking.folder"
                ) from error
        self._study = -1
        self._ids: dict[int, int] = {}  # by number

    def open(self, name: str) -> str | None:
        """Open the study's latest copy; return the copy's name in the database, or None."""
        with self._translate_errors():
            known = [
                known
                for known in optuna.get_all_study_names(self._storage)
                if re.fullmatch(rf"{re.escape(name)}({SPACE_MARK}\d{{1,9}})?", known)
            ]
            for latest in sorted(known, key=_space_number, reverse=True):
                self._study, self._ids = self._storage.get_study_id_from_name(latest), {}
                # A copy that was not finished has none, nor has another program's study.
                if isinstance(self.attributes().get("settings"), Mapping):
                    return latest
        return None

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
            if name not in optuna.get_all_study_names(self._storage):
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
            if copy in optuna.get_all_study_names(self._storage):
                self._storage.delete_study(self._storage.get_study_id_from_name(copy))
        self.create(copy, directions)
        return copy

    def attributes(self) -> Mapping[str, Any]:
        """Return the study's user attributes."""
        with self._translate_errors():
            return self._storage.get_study_user_attrs(self._study)

    def set_attribute(self, name: str, value: Any) -> None:
        """Set a user attribute of the study."""
        with self._translate_errors():
            self._storage.set_study_user_attr(self._study, name, value)

    def trials(self) -> list[FrozenTrial]:
        """Return all trials ordered by number."""
        with self._translate_errors():
            return self._storage.get_all_trials(self._study, deepcopy=False)

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

    def claim(self, number: int) -> bool:
        """Set an enqueued trial to running; return False if another program was faster."""
        with self._translate_errors():
            return self._storage.set_trial_state_values(self._id(number), TrialState.RUNNING)

    def finished(self) -> list[FinishedTrial]:
        """Trials that have ended, in the order of their numbers; nothing is written."""
        states = tuple(FINAL_STATES)
        with self._translate_errors():
            trials = self._storage.get_all_trials(self._study, deepcopy=False, states=states)
        beyond = self.attributes().get(BEYOND_LIMITS, {})
        return [finished_trial(trial, beyond.get(str(trial.number))) for trial in trials]

    def running(self) -> dict[int, Values]:
        """Values of the trials that have begun and not ended, by number; nothing is written."""
        states = (TrialState.RUNNING,)
        with self._translate_errors():
            trials = self._storage.get_all_trials(self._study, deepcopy=False, states=states)
        return {trial.number: values_of(trial) for trial in trials}

    def add(self, trial: FrozenTrial) -> int:
        """Add a trial with all its data in one transaction; return its number."""
        with self._translate_errors():
            trial_id = self._storage.create_new_trial(self._study, template_trial=trial)
            return self._storage.get_trial_number_from_id(trial_id)

    def set_param(self, number: int, path: str, value: Scalar, known: BaseDistribution) -> None:
        """Set one parameter that a trial was stored without."""
        with self._translate_errors():
            internal = known.to_internal_repr(value)
            self._storage.set_trial_param(self._id(number), path, internal, known)

    def set_trial_attribute(self, number: int, name: str, value: Any) -> None:
        """Set a user attribute of a trial."""
        with self._translate_errors():
            self._storage.set_trial_user_attr(self._id(number), name, value)

    def report(self, number: int, epoch: int, value: float) -> None:
        """Store a trial's intermediate value after an epoch."""
        with self._translate_errors():
            self._storage.set_trial_intermediate_value(self._id(number), epoch, value)

    def finish(self, trial: FrozenTrial) -> None:
        """Store a finished trial: its attributes first, then its state and value."""
        trial_id = self._id(trial.number)
        with self._translate_errors():
            for name, value in trial.user_attrs.items():
                self._storage.set_trial_user_attr(trial_id, name, value)
            self._storage.set_trial_state_values(trial_id, trial.state, trial.values)

    def _id(self, number: int) -> int:
        if number not in self._ids:
            with self._translate_errors():
                self._ids[number] = self._storage.get_trial_id_from_study_id_trial_number(
                    self._study, number
                )
        return self._ids[number]

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
            raise StoreError(
                f"{self._place}: {words}; when that is mended, the same command goes on"
            ) from error


def _make(database: Path) -> None:
    # Without a pool, which would keep the file open.
    RDBStorage(address(database), engine_kwargs={"poolclass": NullPool}).remove_session()


def _space_number(study: str) -> int:
    """Parse a copy's number from a study's name in the database; the original is 1."""
    _, mark, number = study.rpartition(SPACE_MARK)
    return int(number) if mark else 1
