"""On-disk cache of arrays that took long to read from the user's files.

Whatever goes wrong with the cache, the files are simply read again.
"""

import contextlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
Known = TypeVar("Known")


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/mnist-seq``, or ``~/.cache/mnist-seq`` where that is not set.

    References
    ----------
    XDG Base Directory Specification 0.8: a relative path there is to be ignored.
    """
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    root = chosen if chosen.is_absolute() else Path(os.path.expanduser("~")) / ".cache"  # noqa: PTH111 -- Path.expanduser fails where there is no home
    return root / "mnist-seq"


def load_arrays(name: str, build: Callable[[Arrays], Known]) -> Known | None:
    """Return what `build` makes of the arrays that were kept under a name; None without them."""
    try:
        with (
            (cache_folder() / f"{name}.npz").open("rb") as content,
            np.load(content, allow_pickle=False) as arrays,
        ):
            return build(arrays)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # not there, or damaged


def save_arrays(name: str, arrays: Arrays) -> None:
    """Keep arrays under a name, if the disk allows."""
    cached = cache_folder() / f"{name}.npz"
    with contextlib.suppress(OSError):
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
            # Only its owner may read a named temporary file.
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]  # mypy takes them for its options
            # Renaming is one step: another process sees the whole file or none.
            Path(file.name).replace(cached)
