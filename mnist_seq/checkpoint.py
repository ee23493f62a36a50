"""What must outlive the driver, on disk: states of trainings, and endings not yet told everywhere.

A file is one JSON line, then bytes. The line holds the version of the format and a checksum of
the whole; files are put in place whole or not at all. No pickle.
"""

import dataclasses
import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mnist_seq.errors import StoreError
from mnist_seq.records import Arrays, Ending, EpochRecord, State, TrainResult

VERSION = 2


class CorruptFileError(Exception):
    """The file is not whole, or of another version; what it held has to be done again."""


class Checkpoints:
    """The trials of one study that are not told everywhere yet, each in files of its own.

    Parameters
    ----------
    folder : Path
        The study's; made when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save_state(self, number: int, state: State) -> None:
        """Keep the state of a training that runs, in place of an earlier one."""
        best = {} if state.best_epoch == state.epoch else state.best_weights
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
        header = {"best_epoch": state.best_epoch, "records": _plain(state.records)}
        _write(self._path(number, "state"), header, body.getvalue())

    def state(self, number: int) -> State | None:
        """The state saved last, or None where there is none, or none that is whole."""
        try:
            header, body = _read(self._path(number, "state"))
        except (FileNotFoundError, CorruptFileError):
            return None
        groups: dict[str, Arrays] = {"weights": {}, "optimizer": {}, "best": {}}
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            for key in arrays:
                group, _, name = key.partition("/")
                groups[group][name] = arrays[key]
        return State(
            weights=groups["weights"],
            optimizer=groups["optimizer"],
            records=_records(header),
            best_epoch=header["best_epoch"],
            best_weights=groups["best"] or groups["weights"],
        )

    def save_ending(self, number: int, ending: Ending) -> None:
        """Keep how a trial ended, until `forget`."""
        result = ending.result
        header = {
            "state": ending.state,
            "reason": ending.reason,
            "records": _plain(ending.records),
            "best_epoch": ending.best.epoch if ending.best else None,
            "parameters": result.parameters if result else None,
        }
        _write(self._path(number, "ending"), header, result.model if result else b"")

    def endings(self) -> dict[int, Ending]:
        """Trials that ended, but were not told everywhere."""
        found = {}
        for path in sorted(self._folder.glob("*.ending")):
            try:
                header, body = _read(path)
            except CorruptFileError:
                continue
            records, best_epoch = _records(header), header["best_epoch"]
            result = TrainResult(records, best_epoch, header["parameters"], body) if body else None
            best = records[best_epoch - 1] if best_epoch else None
            found[int(path.stem)] = Ending(header["state"], records, best, result, header["reason"])
        return found

    def forget(self, number: int) -> None:
        """Drop all that is kept of a trial: it is told everywhere."""
        for kind in ("state", "ending"):
            self._path(number, kind).unlink(missing_ok=True)

    def forget_from(self, first: int) -> None:
        """Drop what is kept of this trial and those after it: of a study that was removed."""
        for path in self._folder.glob("*"):
            if path.suffix in {".state", ".ending"} and int(path.stem) >= first:
                path.unlink(missing_ok=True)

    def _path(self, number: int, kind: str) -> Path:
        return self._folder / f"{number:06}.{kind}"


def write_atomically(path: Path, content: bytes) -> None:
    """Put a file in place such that no reader ever sees a part of it, nor a crash leaves one.

    Raises
    ------
    StoreError
        If the disk is full or the place cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror}; when that is mended, the same command goes on"
        ) from error


def _write(path: Path, header: Mapping[str, Any], body: bytes) -> None:
    line = json.dumps({"version": VERSION, **header})
    checksum = hashlib.blake2b(line.encode() + body).hexdigest()
    write_atomically(path, f"{checksum} {line}\n".encode() + body)


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
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


def _records(header: Mapping[str, Any]) -> tuple[EpochRecord, ...]:
    return tuple(EpochRecord(**record) for record in header["records"])
