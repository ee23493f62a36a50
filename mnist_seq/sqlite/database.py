"""SQLite databases as files: their address, a lock beside them, and how one is made."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from mnist_seq.errors import StoreError

_SECONDS_FOR_A_LOCK = 300.0  # one process makes a database, in 1 to 7 s; others wait meanwhile


def address(database: Path) -> str:
    """URL of a database as SQLAlchemy, Optuna and MLflow take it, for any character in its path.

    The driver is named because MLflow would take ``sqlite:///a%3Fb/mlflow.db`` for a folder named
    ``a%3Fb`` as well, and make it.
    """
    return f"sqlite+pysqlite:///{quote(database.as_posix())}"


def is_made(database: Path) -> bool:
    """Whether there is a database; an empty file is what an interrupted start leaves behind."""
    return database.exists() and database.stat().st_size > 0


def make_whole(database: Path, make: Callable[[Path], object]) -> None:
    """Make a database where there is none; safe from many processes at once.

    Parameters
    ----------
    database : Path
        Its folder is made as well.
    make : callable
        Makes it at the path that it is given, and leaves it closed.

    Raises
    ------
    StoreError
        If the folder cannot be made or written.
    """
    try:
        if is_made(database):
            return
        database.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(database):
            if not is_made(database):
                _make_aside(database, make)
    except OSError as error:
        raise unwritable(database.parent, error) from error


@contextmanager
def locked(file: Path, timeout: float) -> Iterator[None]:
    """Context manager: hold SQLite's own lock on a file that is kept for nothing else.

    It works on every system, and goes with the process that holds it, so that it is never stale.

    Parameters
    ----------
    timeout : float
        Seconds to wait for another holder.

    Raises
    ------
    sqlite3.Error
        If another process holds it, or the file cannot be made.
    """
    with closing(sqlite3.connect(file, timeout=timeout, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def exclusive(database: Path) -> Iterator[None]:
    """Context manager: only one process at a time runs the block for this database.

    Raises
    ------
    StoreError
        If the lock cannot be made or is held for five minutes.
    """
    lock = database.with_suffix(".lock")
    with ExitStack() as held:
        try:
            held.enter_context(locked(lock, _SECONDS_FOR_A_LOCK))
        except sqlite3.Error as error:
            raise StoreError(f"{lock}: cannot be written or locked ({error})") from error
        yield


def unwritable(folder: Path, error: OSError) -> StoreError:
    """Convert an operating system's error to a StoreError that names the tracking folder."""
    is_file = isinstance(error, FileExistsError | NotADirectoryError)
    reason = "a file is in its place" if is_file else error.strerror
    return StoreError(f"{folder}: cannot keep results here ({reason})")


def _make_aside(database: Path, make: Callable[[Path], object]) -> None:
    # Put in place whole: neither library can mend a database whose making was interrupted, and
    # another process would take it for a finished one.
    prefix = f"{database.name}.new"
    for left in database.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    # Of another name each time: MLflow keeps connections by their address.
    aside = Path(tempfile.mkdtemp(prefix=prefix, dir=database.parent))
    try:
        make(aside / database.name)
        (aside / database.name).replace(database)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
