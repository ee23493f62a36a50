"""The store: one folder with MLflow's database and all files of runs and models."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE, ErrorCode
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy.exc import SQLAlchemyError

from mnist_seq.errors import StoreError, TrackingError
from mnist_seq.invocation import command_text
from mnist_seq.sqlite.database import address, make_whole, unwritable

_DATABASE = "mlflow.db"
_ARTIFACTS = "artifacts"
_SECONDS_FOR_A_LOCK = 30.0

logging.getLogger("mlflow").setLevel(logging.ERROR)
logging.getLogger("alembic").setLevel(logging.WARNING)
# It prints the traceback of every lock that it meets; here that is not an error but a wait.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Store:
    """An open store: its folder and an MLflow client for it.

    Attributes
    ----------
    folder : Path
        Absolute.
    client : MlflowClient
        Reads and writes this store and no other.
    """

    folder: Path
    client: MlflowClient

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> Self:
        """Open the store in a folder.

        Parameters
        ----------
        folder : Path
            May be relative, or begin with ``~``.
        create : bool
            Make folder and database unless they are there; safe from many processes at once.

        Raises
        ------
        TrackingError
            If there is no store, or its database is locked, foreign or of another MLflow.
        StoreError
            If the folder cannot be read or made.
        """
        folder = _absolute(folder)
        database = folder / _DATABASE
        if create:
            make_whole(database, lambda aside: _make(aside, folder / _ARTIFACTS))
        try:
            if not database.exists():
                raise TrackingError(f"no runs yet in {folder}: start with {command_text('sweep')}")
            # MLflow would try ten times, for 105 s, what these two lines know at once.
            with closing(sqlite3.connect(database, timeout=_SECONDS_FOR_A_LOCK)) as connection:
                connection.execute("SELECT version_num FROM alembic_version, experiments LIMIT 0")
        except OSError as error:
            raise unwritable(folder, error) from error
        except sqlite3.Error as error:
            raise _unusable(database, error) from error
        place = address(database)
        try:
            return cls(folder, MlflowClient(tracking_uri=place, registry_uri=place))
        except MlflowException as error:
            raise TrackingError(
                f"{database}: was made by another version of MLflow than {mlflow.__version__}"
                f"; run mlflow db upgrade {place}, or choose another tracking.folder"
            ) from error

    @property
    def database(self) -> Path:
        return self.folder / _DATABASE

    @property
    def address(self) -> str:
        """URI of the SQLite database, as MLflow expects it."""
        return address(self.database)

    @property
    def artifacts(self) -> Path:
        return self.folder / _ARTIFACTS

    @contextmanager
    def tracking_errors(self) -> Iterator[None]:
        """Context manager that turns MLflow errors into a one-line TrackingError."""
        try:
            yield
        except MlflowException as error:
            raise _unusable(self.database, error) from error


def is_transient(error: Exception) -> bool:
    """Whether a retry may succeed after this error: database locked or an OS error."""
    if isinstance(error, MlflowException):
        return bool(error.error_code == ErrorCode.Name(TEMPORARILY_UNAVAILABLE))
    return isinstance(error, OSError)


def _absolute(folder: Path) -> Path:
    try:
        absolute = folder.expanduser().resolve()
        str(absolute).encode()  # an address is text: bytes that are none would be lost in it
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(f"tracking.folder: {str(folder)!r} cannot be used ({error})") from error
    return absolute


def _make(database: Path, artifacts: Path) -> None:
    try:
        made = SqlAlchemyStore(address(database), artifacts.as_uri())  # type: ignore[no-untyped-call]
    except (MlflowException, SQLAlchemyError) as error:
        raise StoreError(
            f"{artifacts.parent}: cannot keep results here ({_reason(error)})"
        ) from error
    made.engine.dispose()


def _unusable(database: Path, error: Exception) -> TrackingError:
    """Convert a database error to a TrackingError that says what is wrong."""
    reason = _reason(error)
    if "locked" in reason:
        return TrackingError(f"{database}: is locked by another program; close it")
    return TrackingError(f"{database}: is not a usable MLflow database ({reason})")


def _reason(error: Exception) -> str:
    """Return the database's own words, without SQLAlchemy's and MLflow's around them."""
    cause = error.__cause__ if isinstance(error, MlflowException) else error
    return str(getattr(cause, "orig", cause or error)).splitlines()[0]
