"""Checkpoints on disk: training states, and outcomes not yet in both Optuna and MLflow.

A file is one JSON line, then bytes. The line holds the version of the format and a checksum of
the whole; files are put in place whole or not at all. No pickle.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import math
import os
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.digests import Digests
from mnist_seq.errors import StoreError
from mnist_seq.records import (
    Arrays,
    EpochRecord,
    FinalState,
    TrainingState,
    TrainResult,
    TrialOutcome,
    parse_records,
)

VERSION = 2


class CorruptFileError(Exception):
    """A checkpoint file is damaged or has another format version, and must be ignored."""


# What reading a file can end in that somebody else has put there, checksum and all.
_UNREADABLE = (
    *(CorruptFileError, OSError, ValueError, TypeError, KeyError, RecursionError, MemoryError),
    *(zipfile.BadZipFile, NotImplementedError),
)


class Checkpoints:
    """Checkpoints of the trials of one study, each in files of its own.

    Each file has the digests of the data that were trained on.

    Parameters
    ----------
    folder : Path
        The study's; made when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save_state(self, number: int, state: TrainingState, data: Digests) -> None:
        """Save the state of a running training, in place of an earlier one."""
        best = {} if state.best_weights is state.weights else state.best_weights
        arrays = {
            f"{group}/{name}": array
            for group, named in (
                ("weights", state.weights),
                ("optimizer", state.optimizer),
                ("best", best),
            )
            for name, array in named.items()
        }
        body = io.BytesIO()
        np.savez(body, allow_pickle=False, **arrays)
        header = {
            "best_epoch": state.best_epoch,
            "records": _plain(state.records),
            "data": dict(data),
        }
        _write(self._path(number, "state"), header, body.getvalue())

    def state(self, number: int) -> TrainingState | None:
        """Return a trial's saved state, or None if its file is missing, damaged or foreign."""
        try:
            header, body = _read(self._path(number, "state"))
            groups = _arrays(body)
            records = parse_records(header["records"])
            if header["best_epoch"] not in range(len(records) + 1):
                return None
        except _UNREADABLE:
            return None
        return TrainingState(
            weights=groups["weights"],
            optimizer=groups["optimizer"],
            records=records,
            best_epoch=header["best_epoch"],
            best_weights=groups["best"] or groups["weights"],
        )

    def save_outcome(self, number: int, outcome: TrialOutcome, data: Digests) -> None:
        """Save a trial's outcome until `delete` is called."""
        result = outcome.result
        header = {
            "state": outcome.state,
            "reason": outcome.reason,
            "records": _plain(outcome.records),
            "best_epoch": outcome.best.epoch if outcome.best else None,
            "parameters": result.parameters if result else None,
            "data": dict(data),
        }
        _write(self._path(number, "ending"), header, result.model if result else b"")

    def outcomes(self) -> dict[int, TrialOutcome]:
        """Return, by number, the outcomes that may not be in both Optuna and MLflow yet."""
        found = {}
        for path in sorted(self.folder.glob("*.ending")):
            if (number := _number(path)) is not None:
                try:
                    found[number] = _outcome(*_read(path))
                except _UNREADABLE:
                    continue
        return found

    def data(self, number: int) -> Digests:
        """Return the digests of the data that a trial was trained on, as far as they are known.

        There are none if nothing is saved of the trial, or an earlier version has saved it.
        """
        for kind in ("ending", "state"):
            try:
                header, _ = _read(self._path(number, kind))
            except _UNREADABLE:
                continue
            known: Digests = header.get("data", {})
            return known
        return {}

    def delete(self, number: int) -> None:
        """Delete a trial's files, once its outcome is in both Optuna and MLflow."""
        for kind in ("state", "ending"):
            _delete(self._path(number, kind))

    def delete_from(self, first: int) -> None:
        """Delete the files of all trials numbered `first` or higher."""
        for path in self.folder.glob("*"):
            number = _number(path)
            if number is not None and number >= first:
                _delete(path)

    def _path(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:06}.{kind}"


def write_atomically(path: Path, content: bytes, *, shared: bool = True) -> None:
    """Write a file atomically: readers never see a part of it, even after a crash.

    A link stays one: what it leads to is written.

    Parameters
    ----------
    shared : bool
        Whether other processes may write the same file meanwhile; the last one wins.

    Raises
    ------
    StoreError
        If the disk is full or the place cannot be written.
    """
    check_writable(path)
    target = path.resolve()
    unfinished = unfinished_file(target, os.getpid() if shared else None)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise StoreError(
            f"{path}: {error.strerror}; when that is mended, the same command goes on"
        ) from error


def unfinished_file(path: Path, process: int | None = None) -> Path:
    """Path of a file until it is complete; with a process's number, of that process alone."""
    return path.with_name(f"{path.name}.{f'{process}.' if process else ''}unfinished")


def check_writable(path: Path) -> None:
    """Raise a StoreError if there is something at a path that is no file: a folder, a device."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path}: cannot be written ({getattr(error, 'strerror', error)})"
        ) from error
    if stat.S_ISDIR(mode):
        raise StoreError(f"{path}: is a folder; name a file in it, as {path / 'report.html'}")
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path}: is a device or a pipe, and no file")


def _write(path: Path, header: Mapping[str, Any], body: bytes) -> None:
    line = json.dumps({"version": VERSION, **header})
    checksum = hashlib.blake2b(line.encode() + body).hexdigest()
    write_atomically(path, f"{checksum} {line}\n".encode() + body, shared=False)


def _number(path: Path) -> int | None:
    """Return the number of a trial's file; None of a file that is not one of ours."""
    named = re.fullmatch(r"([0-9]{6,9})\.(state|ending)", path.name)
    return int(named[1]) if named else None


def _delete(path: Path) -> None:
    if path.is_file() or path.is_symlink():
        path.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    if not path.is_file():  # nothing, a folder, or a device without an end
        raise CorruptFileError(path)
    with path.open("rb") as file:
        if not re.fullmatch(rb"[0-9a-f]{128} \{", file.read(130)):
            raise CorruptFileError(path)
    head, _, body = path.read_bytes().partition(b"\n")
    checksum, _, line = head.partition(b" ")
    if checksum.decode(errors="replace") != hashlib.blake2b(line + body).hexdigest():
        raise CorruptFileError(path)
    header: dict[str, Any] = json.loads(line)
    if header["version"] != VERSION:
        raise CorruptFileError(path)
    return header, body


def _plain(records: tuple[EpochRecord, ...]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(record) for record in records]


def _arrays(body: bytes) -> dict[str, Arrays]:
    """Return a state's arrays by group; each takes no more memory than it has bytes in the file."""
    groups: dict[str, Arrays] = {"weights": {}, "optimizer": {}, "best": {}}
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > len(body):
            raise CorruptFileError("compressed")
        for member in members:
            group, _, name = member.filename.removesuffix(".npy").partition("/")
            groups[group][name] = _array(archive.read(member))
    return groups


def _array(content: bytes) -> NDArray[np.generic]:
    file = io.BytesIO(content)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(file)]
    shape, _, dtype = read(file)
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise CorruptFileError("an array that promises more than there is")
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


def _outcome(header: Mapping[str, Any], body: bytes) -> TrialOutcome:
    state, reason, parameters = header["state"], header["reason"], header["parameters"]
    records, best_epoch = parse_records(header["records"]), header["best_epoch"]
    if state not in get_args(FinalState) or not isinstance(reason, str | None):
        raise CorruptFileError("neither complete, pruned nor failed")
    is_known = best_epoch in range(1, len(records) + 1)
    if not is_known and (body or best_epoch is not None):
        raise CorruptFileError("the best epoch is not among the records")
    if body and not isinstance(parameters, int):
        raise CorruptFileError("a network without the number of its parameters")
    result = TrainResult(records, best_epoch, parameters, body) if body else None
    best = records[best_epoch - 1] if best_epoch else None
    return TrialOutcome(state, records, best, result, reason)
