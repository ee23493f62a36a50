"""Where results are kept: one folder with MLflow's database and the artifacts, made once."""

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE, ErrorCode
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from mnist_seq.config import TrackingConfig
from mnist_seq.errors import TrackingError

_SECONDS_FOR_A_LOCK = 30.0
_SECONDS_FOR_A_NEW_STORE = 300.0  # one process makes it, in 1 to 7 s; others wait meanwhile

logging.getLogger("mlflow").setLevel(logging.ERROR)
logging.getLogger("alembic").setLevel(logging.WARNING)
# It prints the traceback of every lock that it meets; here that is not an error but a wait.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Store:
    """The places in the tracking folder; all paths are absolute."""

    folder: Path

    @classmethod
    def at(cls, config: TrackingConfig) -> "Store":
        """The store that a config names, whether it exists or not."""
        return cls(Path(config.folder).expanduser().resolve())

    @property
    def database(self) -> Path:
        return self.folder / "mlflow.db"

    @property
    def address(self) -> str:
        """MLflow's name for the database."""
        return _address(self.database)

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def create(self) -> None:
        """Make folder and database unless they are there; safe from many processes at once.

        Raises
        ------
        TrackingError
            If the folder cannot be written.
        """
        if self.database.exists():
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.alone():
                if not self.database.exists():
                    self._make_database()
        except OSError as error:
            raise TrackingError(f"{self.folder}: cannot keep results here ({error})") from error

    def open(self) -> MlflowClient:
        """A client of this store and no other.

        Raises
        ------
        TrackingError
            If there is no store, or its database is locked, foreign or of another MLflow.
        """
        if not self.database.exists():
            raise TrackingError(
                f"no runs yet in {self.folder}: start with python -m experiments.sweep"
            )
        # MLflow would try ten times, for 105 s, what these two lines know at once.
        try:
            with closing(sqlite3.connect(self.database, timeout=_SECONDS_FOR_A_LOCK)) as connection:
                connection.execute("SELECT version_num FROM alembic_version, experiments LIMIT 0")
        except sqlite3.Error as error:
            raise unusable(self, error) from error
        try:
            return MlflowClient(tracking_uri=self.address, registry_uri=self.address)
        except MlflowException as error:
            raise TrackingError(
                f"{self.database}: was made by another version of MLflow than {mlflow.__version__}"
                f"; run mlflow db upgrade {self.address}, or choose another tracking.folder"
            ) from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out of the same block.

        SQLite's own lock on an empty file beside the database: it works on every system, and goes
        with the process that holds it.
        """
        lock = self.folder / "mlflow.lock"
        try:
            with closing(sqlite3.connect(lock, timeout=_SECONDS_FOR_A_NEW_STORE)) as connection:
                connection.execute("BEGIN EXCLUSIVE")
                yield
        except sqlite3.Error as error:
            raise TrackingError(f"{lock}: cannot be locked ({error})") from error

    def _make_database(self) -> None:
        # Aside first, then put in place whole: MLflow cannot mend a database whose making was
        # interrupted, and a second process would take it for a finished one.
        workshop = self.folder / "mlflow.db.new"
        shutil.rmtree(workshop, ignore_errors=True)
        workshop.mkdir()
        address = _address(workshop / "mlflow.db")
        made = SqlAlchemyStore(address, self.artifacts.as_uri())  # type: ignore[no-untyped-call]
        made.engine.dispose()
        (workshop / "mlflow.db").replace(self.database)
        shutil.rmtree(workshop, ignore_errors=True)


def unusable(store: Store, error: Exception) -> TrackingError:
    """What to tell when the database answers with an error: locked, foreign, full."""
    reason = str(getattr(error.__cause__, "orig", error)).splitlines()[0]
    if "locked" in reason:
        return TrackingError(f"{store.database}: is locked by another program; close it")
    return TrackingError(f"{store.database}: is not a usable MLflow database ({reason})")


def passing(error: Exception) -> bool:
    """Whether a write that failed so can succeed later: the store is locked, away or full."""
    if isinstance(error, MlflowException):
        return bool(error.error_code == ErrorCode.Name(TEMPORARILY_UNAVAILABLE))
    return isinstance(error, OSError)


def local_path(address: str) -> Path:
    """The path behind a ``file:`` address."""
    return Path(url2pathname(urlsplit(address).path))


def _address(database: Path) -> str:
    # SQLAlchemy decodes % and ends the path at ?; MLflow takes the address as it is and makes its
    # folder, so that nothing else is encoded.
    path = database.as_posix().replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{path}"
