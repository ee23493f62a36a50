"""Where a command writes its page."""

import os
from pathlib import Path

from mnist_seq.driver.checkpoints import check_writable
from mnist_seq.errors import StoreError


def report_path(folder: Path, name: str, chosen: str | None) -> Path:
    """Return a report's path: `chosen` if given, else `name` in the tracking folder's reports.

    Raises
    ------
    StoreError
        If there is something else than a file, or `chosen` names a folder.
    """
    path = Path(chosen) if chosen else folder / "reports" / name
    if chosen and chosen.endswith(os.sep):
        raise StoreError(f"{chosen}: is a folder; name a file in it, as {path / name}")
    check_writable(path)
    return path
