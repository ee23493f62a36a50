"""PostgreSQL databases of studies: opened with one line for what is wrong, and their locks.

User name and password never pass through here: libpq takes them from PGUSER, PGPASSWORD and
PGPASSFILE.
"""

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from mnist_seq.addresses.servers import POSTGRESQL
from mnist_seq.errors import InputError, ServerUnavailableError, StoreError

if TYPE_CHECKING:
    from psycopg import Connection

_SECONDS_TO_MAKE = 60.0
_SECONDS_BETWEEN_LOOKS = 0.2
_HOST = socket.gethostname()[:40]  # PostgreSQL cuts an application's name after 63 bytes
_OWN_NAME = f"process {os.getpid()} on {_HOST}"
# A server or a network that is gone is noticed within seconds, from either end.
CONNECTION: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": f"mnist-seq {_HOST} {os.getpid()}",
    "options": "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3",
}
_HOLDER = """
    SELECT activity.application_name, activity.backend_start
    FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (held.classid::bigint << 32) + held.objid::bigint = %s
"""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: its host and process as text, and since when, where that may be read."""

    name: str
    since: datetime | None


def is_made(address: str) -> bool:
    """Whether Optuna's tables are in a database.

    Raises
    ------
    StoreError
        If it cannot be used: not reachable, not allowed, not there, or MLflow's.
    """
    with _connected(address) as connection:
        return _check_tables(connection, address)


@contextmanager
def prepared(address: str) -> Iterator[None]:
    """Context manager: only one process at a time makes Optuna's tables in a database.

    Raises
    ------
    StoreError
        If the database cannot be used, or is being made for a minute.
    """
    with _connected(address) as connection:
        until = time.monotonic() + _SECONDS_TO_MAKE
        while not _try_lock(connection, _key("tables")):
            if time.monotonic() > until:
                raise StoreError(f"{address}: another process has been making its tables for long")
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        _check_tables(connection, address)
        yield


def holder(address: str, study: str) -> Holder | None:
    """Return who drives a study; None if nobody does."""
    with _connected(address) as connection:
        return _holder(connection, _key(study))


class StudyLock:
    """A lock in the database that lets one driver run a study; it goes with its connection.

    Raises
    ------
    InputError
        If another driver holds it; names its host and process.
    StoreError
        If the database cannot be used.
    """

    def __init__(self, address: str, study: str) -> None:
        self._address, self._study, self._key = address, study, _key(study)
        self._connection = self._taken()

    def ensure(self) -> None:
        """Take the lock again where the server has lost it, as in a restart.

        Raises
        ------
        ServerUnavailableError
            If the server is away, or has not noticed yet that the connection before is gone.
        InputError
            If another driver has taken it since.
        """
        from psycopg import Error

        try:
            self._connection.execute("SELECT 1")
        except Error:
            self._connection.close()
            self._connection = self._taken(is_again=True)

    def release(self) -> None:
        """Give the lock back."""
        self._connection.close()

    def _taken(self, *, is_again: bool = False) -> "Connection":
        connection = _connect(self._address)
        try:
            if _try_lock(connection, self._key):
                return connection
            found = _holder(connection, self._key)
        except _errors() as error:
            connection.close()
            raise ServerUnavailableError(f"{self._address}: {_words(error)}") from error
        connection.close()
        if is_again and (found is None or found.name == _OWN_NAME):
            raise ServerUnavailableError(
                f"{self._address}: has not noticed that the connection was cut"
            )
        name = found.name if found else "another process"
        raise InputError(
            f"{self._study} is in use by {name}: wait for it, or stop it there with Ctrl-C"
        )


def _key(name: str) -> int:
    """Return the advisory lock's number of a name: 63 bits, as PostgreSQL's are signed."""
    digest = hashlib.blake2b(f"mnist-seq {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _try_lock(connection: "Connection", key: int) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
    return bool(row and row[0])


def _holder(connection: "Connection", key: int) -> Holder | None:
    row = connection.execute(_HOLDER, [key]).fetchone()
    if row is None:
        return None
    _, _, who = str(row[0]).partition("mnist-seq ")
    host, _, process = who.rpartition(" ")
    return Holder(f"process {process} on {host}" if host else "another program", row[1])


def _check_tables(connection: "Connection", address: str) -> bool:
    """Whether Optuna's tables exist; refuse the database of another program."""
    row = connection.execute(
        "SELECT to_regclass('studies') IS NOT NULL, to_regclass('experiments') IS NOT NULL,"
        " to_regclass('alembic_version') IS NOT NULL"
    ).fetchone()
    has_studies, has_experiments, is_anyones = row or (False, False, False)
    if has_experiments:
        raise StoreError(
            f"{address}: is MLflow's database; the study needs one of its own, made with createdb"
        )
    if is_anyones and not has_studies:
        raise StoreError(
            f"{address}: is another program's database; the study needs one of its own, made with "
            "createdb"
        )
    return bool(has_studies)


@contextmanager
def _connected(address: str) -> Iterator["Connection"]:
    from_psycopg = _errors()
    connection = _connect(address)
    try:
        yield connection
    except from_psycopg as error:
        raise ServerUnavailableError(f"{address}: {_words(error)}") from error
    finally:
        connection.close()


def _connect(address: str) -> "Connection":
    error_class = _errors()
    from psycopg import connect

    try:
        plain = address.replace(POSTGRESQL, "postgresql", 1)
        return connect(plain, autocommit=True, **CONNECTION)
    except error_class as error:
        raise refusal(address, _words(error)) from error


def _errors() -> type[Exception]:
    """Psycopg's base class of errors; a StoreError where psycopg is not installed."""
    try:
        from psycopg import Error
    except ImportError as error:  # also where there is no libpq for it
        raise StoreError(
            f"search.storage: needs psycopg ({error}): pip install 'psycopg[binary]'"
        ) from error
    return Error


def refusal(address: str, words: str) -> StoreError:
    """Convert libpq's own words to an error that says what to do."""
    if "password" in words or "authentication" in words or "role" in words:
        return StoreError(
            f"{address}: {words}; user name and password come from PGUSER and PGPASSWORD, or from "
            "a file named by PGPASSFILE"
        )
    if "does not exist" in words:
        return StoreError(f"{address}: {words}; make it, as with createdb")
    return ServerUnavailableError(f"{address}: cannot be reached ({words})")


def _words(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
