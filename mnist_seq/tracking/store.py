"""The store: one folder with MLflow's database and all files of runs and models."""

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from urllib.request import url2pathname

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE, ErrorCode
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from mnist_seq.errors import TrackingError

_DATABASE = "mlflow.db"
_ARTIFACTS = "artifacts"
_SECONDS_FOR_A_LOCK = 30.0
_SECONDS_FOR_A_NEW_STORE = 300.0  # one process makes it, in 1 to 7 s; others wait meanwhile

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
            If there is no store, the folder cannot be written, or the database is locked, foreign
            or of another MLflow.
        """
        folder = folder.expanduser().resolve()
        database = folder / _DATABASE
        if create and not database.exists():
            _create(folder)
        if not database.exists():
            raise TrackingError(f"no runs yet in {folder}: start with python -m experiments.sweep")
        # MLflow would try ten times, for 105 s, what these two lines know at once.
        try:
            with closing(sqlite3.connect(database, timeout=_SECONDS_FOR_A_LOCK)) as connection:
                connection.execute("SELECT version_num FROM alembic_version, experiments LIMIT 0")
        except sqlite3.Error as error:
            raise _unusable(database, error) from error
        address = _address(database)
        try:
            return cls(folder, MlflowClient(tracking_uri=address, registry_uri=address))
        except MlflowException as error:
            raise TrackingError(
                f"{database}: was made by another version of MLflow than {mlflow.__version__}"
                f"; run mlflow db upgrade {address}, or choose another tracking.folder"
            ) from error

    @property
    def database(self) -> Path:
        return self.folder / _DATABASE

    @property
    def address(self) -> str:
        """URI of the SQLite database, as MLflow expects it."""
        return _address(self.database)

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


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Context manager: lock a folder so that only one process at a time runs the block.

    SQLite's own lock on an empty file beside the database: it works on every system, and goes with
    the process that holds it.
    """
    lock = folder / "mlflow.lock"
    try:
        with closing(sqlite3.connect(lock, timeout=_SECONDS_FOR_A_NEW_STORE)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
    except sqlite3.Error as error:
        raise TrackingError(f"{lock}: cannot be locked ({error})") from error


def is_transient(error: Exception) -> bool:
    """Whether a retry may succeed after this error: database locked or an OS error."""
    if isinstance(error, MlflowException):
        return bool(error.error_code == ErrorCode.Name(TEMPORARILY_UNAVAILABLE))
    return isinstance(error, OSError)


def local_path(address: str) -> Path:
    """Convert a ``file:`` URL to a local path."""
    return Path(url2pathname(urlsplit(address).path))


def _create(folder: Path) -> None:
    database = folder / _DATABASE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder):
            if database.exists():
                return
            # Aside first, then put in place whole: MLflow cannot mend a database whose making was
            # interrupted, and a second process would take it for a finished one.
            aside = folder / f"{_DATABASE}.new"
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            made = SqlAlchemyStore(  # type: ignore[no-untyped-call]
                _address(aside / _DATABASE), (folder / _ARTIFACTS).as_uri()
            )
            made.engine.dispose()
            (aside / _DATABASE).replace(database)
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise TrackingError(f"{folder}: cannot keep results here ({error})") from error


def _unusable(database: Path, error: Exception) -> TrackingError:
    """Convert a database error to a TrackingError that says what is wrong."""
    reason = str(getattr(error.__cause__, "orig", error)).splitlines()[0]
    if "locked" in reason:
        return TrackingError(f"{database}: is locked by another program; close it")
    return TrackingError(f"{database}: is not a usable MLflow database ({reason})")


def _address(database: Path) -> str:
    # SQLAlchemy decodes % and ends the path at ?; MLflow takes the address as it is and makes its
    # folder, so that nothing else is encoded.
    path = database.as_posix().replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{path}"
