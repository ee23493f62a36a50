"""A lock that lets only one process run a study, released when that process ends."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mnist_seq.errors import InputError, TrackingError
from mnist_seq.sqlite.database import locked


@contextlib.contextmanager
def driver_lock(folder: Path, name: str) -> Iterator[None]:
    """Context manager: hold the lock that keeps other processes from running the same study.

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
            held.enter_context(locked(folder / "driver.lock", timeout=0.2))
            holder.write_text(f"{os.getpid()}\n")
        except (OSError, sqlite3.Error) as error:
            if not _is_busy(error):
                raise TrackingError(f"{folder}: cannot keep results here ({error})") from error
            pid = holder.read_text().strip() if holder.exists() else "unknown"
            raise InputError(
                f"{name} is in use by process {pid}: wait for it, or stop it with Ctrl-C "
                f"or kill {pid}"
            ) from None
        held.callback(holder.unlink, missing_ok=True)
        yield


def is_running(folder: Path) -> bool:
    """Whether a process holds the `driver_lock` of this folder."""
    try:
        with locked(folder / "driver.lock", timeout=0):
            pass
    except sqlite3.Error as error:
        return _is_busy(error)
    return False


def running_since(folder: Path) -> datetime | None:
    """When the `driver_lock` of this folder was taken; None if that is not known."""
    try:
        return datetime.fromtimestamp((folder / "driver.pid").stat().st_mtime, UTC)
    except OSError:
        return None


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
