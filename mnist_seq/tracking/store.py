"""The store: a folder with MLflow's database and all files of runs and models, or a server."""

import hashlib
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import mlflow
import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE, ErrorCode
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from requests.exceptions import RequestException
from sqlalchemy.exc import SQLAlchemyError

from mnist_seq.errors import StoreError, TrackingError
from mnist_seq.invocation import command_text
from mnist_seq.sqlite.database import address, make_whole, unwritable
from mnist_seq.tracking import server as mlflow_server
from mnist_seq.tracking.locations import local_path

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
    server : str or None
        The address of the server that keeps the runs and their files; None: the folder does.
    """

    folder: Path
    client: MlflowClient
    server: str | None = None

    @classmethod
    def open(cls, folder: Path, *, create: bool = False, server: str | None = None) -> Self:
        """Open the store in a folder, or on a server.

        Parameters
        ----------
        folder : Path
            May be relative, or begin with ``~``.
        create : bool
            Make folder and database unless they are there; safe from many processes at once.
        server : str, optional
            Its address; what is downloaded from it, and all that is no run, is in the folder.

        Raises
        ------
        TrackingError
            If there is no store, or its database is locked, foreign or of another MLflow.
        StoreError
            If the folder cannot be read or made, or the server cannot be used.
        """
        folder = _absolute(folder)
        if server is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise unwritable(folder, error) from error
            return cls(folder, mlflow_server.open_client(server), server)
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
        """The server's address, or the URI of the SQLite database, as MLflow expects it."""
        return self.server or address(self.database)

    @property
    def place(self) -> str:
        """Where the runs are, for a message."""
        return self.server or str(self.folder)

    @property
    def artifacts(self) -> Path:
        return self.folder / _ARTIFACTS

    def artifact_root(self, experiment: str) -> str | None:
        """Where the files of an experiment's runs go; None: the server says where."""
        return None if self.server else (self.artifacts / experiment).as_uri()

    def downloaded(self, place: str, name: str) -> Path:
        """Return the path of a file or folder at an artifact's address; a server's is fetched.

        Raises
        ------
        StoreError
            If the server does not answer.
        TrackingError
            If it has no such file.
        """
        if self.server is None:
            return local_path(place) / name
        target = self.folder / "downloads" / hashlib.blake2b(place.encode()).hexdigest()[:16]
        try:
            target.mkdir(parents=True, exist_ok=True)
            fetched = mlflow.artifacts.download_artifacts(
                artifact_uri=f"{place}/{name}", dst_path=str(target), tracking_uri=self.server
            )
        except (MlflowException, RequestException) as error:
            if mlflow_server.is_transient(error):
                raise mlflow_server.refusal(self.server, error) from error
            raise TrackingError(f"{self.server}: has no file {place}/{name}") from error
        except OSError as error:
            raise unwritable(target, error) from error
        return Path(fetched)

    @contextmanager
    def tracking_errors(self) -> Iterator[None]:
        """Context manager that turns MLflow errors into a one-line error."""
        try:
            yield
        except MlflowException as error:
            if self.server is not None:
                raise mlflow_server.refusal(self.server, error) from error
            raise _unusable(self.database, error) from error

    def is_transient(self, error: Exception) -> bool:
        """Whether a retry may succeed after this error: the database locked, the server away."""
        if self.server is not None and mlflow_server.is_transient(error):
            return True
        if isinstance(error, MlflowException):
            return bool(error.error_code == ErrorCode.Name(TEMPORARILY_UNAVAILABLE))
        return isinstance(error, OSError) and not isinstance(error, RequestException)

    def reason(self, error: Exception) -> str:
        """Return why something could not be stored."""
        if self.server is not None and isinstance(error, MlflowException | RequestException):
            return str(mlflow_server.refusal(self.server, error))
        return str(error)


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
