"""A lock that lets only one process run a study, released when that process ends."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from mnist_seq.errors import InputError, TrackingError


@contextlib.contextmanager
def driver_lock(folder: Path, name: str) -> Iterator[None]:
    """Context manager: hold the lock that keeps other processes from running the same study.

    The lock is SQLite's own, on a file of its own: it works on every system, and the operating
    system takes it from a process that dies, so that no lock is ever stale.

    Raises
    ------
    InputError
        If another process holds it; names that process.
    TrackingError
        If the folder cannot be written.
    """
    holder = folder / "driver.pid"
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(folder / "driver.lock", timeout=0.2, isolation_level=None)
            held.enter_context(contextlib.closing(connection))
            connection.execute("BEGIN EXCLUSIVE")
            holder.write_text(f"{os.getpid()}\n")
        except (OSError, sqlite3.Error) as error:
            if not _is_busy(error):
                raise TrackingError(f"{folder}: cannot keep results here ({error})") from error
            pid = holder.read_text().strip() if holder.exists() else "unknown"
            raise InputError(
                f"{name} is being driven by process {pid}: wait for it, or stop it with Ctrl-C "
                f"or kill {pid}"
            ) from None
        held.callback(holder.unlink, missing_ok=True)
        yield


def is_driven(folder: Path) -> bool:
    """Whether a process holds the `driver_lock` of this folder."""
    lock = folder / "driver.lock"
    try:
        with contextlib.closing(sqlite3.connect(lock, timeout=0, isolation_level=None)) as probe:
            probe.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        return _is_busy(error)
    return False


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
