"""A state on disk: written whole or not at all, with a checksum and a version; no pickle.

The file is a header of one JSON line, then a zip of arrays as NumPy writes it. The header holds
the checksum of the rest, and all that is not an array.
"""

import dataclasses
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np

from mnist_seq.records import Arrays, EpochRecord, State

VERSION = 1


class CorruptCheckpointError(Exception):
    """The file is not a whole checkpoint of this version; the training starts over."""


def write_atomically(path: Path, content: bytes) -> None:
    """Put a file in place such that no reader ever sees a part of it, nor a crash leaves one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def save(path: Path, state: State) -> None:
    """Write a state to a file."""
    best_is_last = state.best_epoch == state.epoch
    groups = {"weights": state.weights, "optimizer": state.optimizer}
    if not best_is_last:
        groups["best"] = state.best_weights
    arrays = {
        f"{group}/{name}": array for group, named in groups.items() for name, array in named.items()
    }
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **arrays)
    header = {
        "version": VERSION,
        "checksum": hashlib.blake2b(body.getvalue()).hexdigest(),
        "best_epoch": state.best_epoch,
        "records": [dataclasses.asdict(record) for record in state.records],
    }
    write_atomically(path, json.dumps(header).encode() + b"\n" + body.getvalue())


def load(path: Path) -> State:
    """Read a state back, equal bit for bit to the one saved.

    Raises
    ------
    CorruptCheckpointError
        If a byte is missing or wrong, or the file is of another version.
    """
    head, _, body = path.read_bytes().partition(b"\n")
    try:
        header = json.loads(head)
        whole = header["checksum"] == hashlib.blake2b(body).hexdigest()
        if header["version"] != VERSION or not whole:
            raise CorruptCheckpointError(path)
        records = tuple(EpochRecord(**record) for record in header["records"])
    except (ValueError, KeyError, TypeError):
        raise CorruptCheckpointError(path) from None
    groups: dict[str, Arrays] = {"weights": {}, "optimizer": {}, "best": {}}
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        for key in arrays:
            group, _, name = key.partition("/")
            groups[group][name] = arrays[key]
    return State(
        weights=groups["weights"],
        optimizer=groups["optimizer"],
        records=records,
        best_epoch=header["best_epoch"],
        best_weights=groups["best"] or groups["weights"],
    )
