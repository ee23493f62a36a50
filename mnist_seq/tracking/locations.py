"""Keep the absolute file addresses in MLflow's database valid when its folder moves."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mnist_seq.errors import StoreError
from mnist_seq.sqlite.database import exclusive

_SECONDS_FOR_A_LOCK = 30.0
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),
)
# MLflow's own experiment, made with the database: nothing is kept there but where that was.
_PLACE = "SELECT artifact_location FROM experiments WHERE experiment_id = 0"


def local_path(address: str) -> Path:
    """Convert a ``file:`` URL to a local path."""
    return Path(url2pathname(urlsplit(address).path))


def recorded_folder(database: Path) -> Path | None:
    """Return the folder that the database's addresses lead to; None if it is another program's.

    Raises
    ------
    StoreError
        If the database cannot be read.
    """
    try:
        with closing(sqlite3.connect(database, timeout=_SECONDS_FOR_A_LOCK)) as connection:
            recorded = _recorded(connection)
    except sqlite3.Error as error:
        raise StoreError(f"{database}: cannot be read ({error})") from error
    return local_path(recorded).parent if recorded else None


def follow(database: Path, artifacts: Path) -> None:
    """Rewrite addresses in the former artifacts' folder as addresses in the present one.

    MLflow has no call for that: it takes the address of an experiment once. Files that are kept
    elsewhere stay there.

    Parameters
    ----------
    database : Path
        MLflow's.
    artifacts : Path
        The folder of the artifacts now.

    Raises
    ------
    StoreError
        If the artifacts were left behind, or the database cannot be written.
    """
    now = artifacts.as_uri()
    try:
        with (
            exclusive(database),
            closing(sqlite3.connect(database, timeout=_SECONDS_FOR_A_LOCK)) as connection,
        ):
            before = _recorded(connection)
            if before in {None, now}:
                return
            _refuse_without_files(connection, before, artifacts)
            with connection:
                for table, column in _COLUMNS:
                    connection.execute(
                        f"UPDATE {table} SET {column} = :now || substr({column}, :length + 1)"
                        f" WHERE substr({column}, 1, :length + 1) = :before || '/'",
                        {"now": now, "before": before, "length": len(before)},
                    )
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"{database}: was copied or moved here, and cannot be told so ({error})"
        ) from error


def _recorded(connection: sqlite3.Connection) -> str | None:
    found = connection.execute(_PLACE).fetchone()
    address = str(found[0]) if found else ""
    is_ours = address.startswith("file:///") and address.endswith("/artifacts/0")
    return address.removesuffix("/0") if is_ours else None


def _refuse_without_files(connection: sqlite3.Connection, before: str, artifacts: Path) -> None:
    has_runs = connection.execute(
        "SELECT 1 FROM runs WHERE substr(artifact_uri, 1, ?) = ? LIMIT 1",
        (len(before) + 1, f"{before}/"),
    ).fetchone()
    left = local_path(before)
    if has_runs and left.is_dir() and not artifacts.is_dir():
        raise StoreError(f"{artifacts.parent}: was copied without its files; copy {left} as well")
