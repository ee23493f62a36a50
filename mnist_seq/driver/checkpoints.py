"""Checkpoints on disk: training states, and outcomes not yet in both Optuna and MLflow.

A file is one JSON line, then bytes. The line holds the version of the format and a checksum of
the whole; files are put in place whole or not at all. No pickle.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mnist_seq.data.digests import Digests
from mnist_seq.errors import StoreError
from mnist_seq.records import Arrays, EpochRecord, TrainingState, TrainResult, TrialOutcome

VERSION = 2


class CorruptFileError(Exception):
    """A checkpoint file is damaged or has another format version, and must be ignored."""


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
        header = {
            "best_epoch": state.best_epoch,
            "records": _plain(state.records),
            "data": dict(data),
        }
        _write(self._path(number, "state"), header, body.getvalue())

    def state(self, number: int) -> TrainingState | None:
        """Return a trial's saved state, or None if its file is missing or damaged."""
        try:
            header, body = _read(self._path(number, "state"))
        except (FileNotFoundError, CorruptFileError):
            return None
        groups: dict[str, Arrays] = {"weights": {}, "optimizer": {}, "best": {}}
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            for key in arrays:
                group, _, name = key.partition("/")
                groups[group][name] = arrays[key]
        return TrainingState(
            weights=groups["weights"],
            optimizer=groups["optimizer"],
            records=_records(header),
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
            try:
                header, body = _read(path)
            except CorruptFileError:
                continue
            records, best_epoch = _records(header), header["best_epoch"]
            result = TrainResult(records, best_epoch, header["parameters"], body) if body else None
            best = records[best_epoch - 1] if best_epoch else None
            found[int(path.stem)] = TrialOutcome(
                header["state"], records, best, result, header["reason"]
            )
        return found

    def data(self, number: int) -> Digests:
        """Return the digests of the data that a trial was trained on, as far as they are known.

        There are none if nothing is saved of the trial, or an earlier version has saved it.
        """
        for kind in ("ending", "state"):
            try:
                header, _ = _read(self._path(number, kind))
            except (FileNotFoundError, CorruptFileError):
                continue
            known: Digests = header.get("data", {})
            return known
        return {}

    def delete(self, number: int) -> None:
        """Delete a trial's files, once its outcome is in both Optuna and MLflow."""
        for kind in ("state", "ending"):
            self._path(number, kind).unlink(missing_ok=True)

    def delete_from(self, first: int) -> None:
        """Delete the files of all trials numbered `first` or higher."""
        for path in self.folder.glob("*"):
            if path.suffix in {".state", ".ending"} and int(path.stem) >= first:
                path.unlink(missing_ok=True)

    def _path(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:06}.{kind}"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file atomically: readers never see a part of it, even after a crash.

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
        with contextlib.suppress(OSError):
            unfinished.unlink()
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
