"""Files in ``unfinished/`` that somebody else has put there, with checksums that are right."""

import hashlib
import io
import json
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_seq.driver.checkpoints import VERSION, Checkpoints
from mnist_seq.records import TrialOutcome

RECORD = {
    "epoch": 1,
    "train_loss": 1.0,
    "train_accuracy": 0.5,
    "validation_loss": 1.0,
    "validation_accuracy": 0.5,
    "learning_rate": 0.001,
    "seconds": 1.0,
    "images_per_second": 1.0,
}
STATE = {"version": VERSION, "best_epoch": 1, "records": [RECORD]}
END = {"state": "complete", "reason": None, "parameters": 8}
ENDING = STATE | END


def put(path: Path, header: Any, body: bytes) -> None:
    """Write a file with a right checksum."""
    line = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(hashlib.blake2b(line + body).hexdigest().encode() + b" " + line + b"\n" + body)


def zipped(
    content: bytes, name: str = "weights/kernel.npy", kind: int = zipfile.ZIP_STORED
) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", kind) as archive:
        archive.writestr(name, content)
    return body.getvalue()


def array(header: str, data: bytes = b"\0" * 16) -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


GOOD = zipped(array("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }"))


def test_a_right_file_is_read(tmp_path: Path) -> None:
    put(tmp_path / "000001.state", STATE, GOOD)
    put(tmp_path / "000002.ending", ENDING, b"a network")
    state = Checkpoints(tmp_path).state(1)
    assert state is not None
    np.testing.assert_array_equal(state.weights["kernel"], np.zeros(4, np.float32))
    (outcome,) = Checkpoints(tmp_path).outcomes().values()
    assert isinstance(outcome, TrialOutcome)
    assert outcome.result is not None


@pytest.mark.parametrize(
    "header",
    [
        [],
        b"{",
        b"[" * 100_000,
        b'{"version": 2, "records": ' + b"[" * 100_000,
        STATE | {"version": 1},
        {"version": VERSION},
        STATE | {"records": "many"},
        STATE | {"records": [[1, 2]]},
        STATE | {"records": [RECORD | {"train_loss": "low"}]},
        STATE | {"records": [RECORD | {"epoch": 7}]},
        STATE | {"best_epoch": 2},
        STATE | {"best_epoch": "first"},
    ],
)
def test_a_header_of_wrong_types_is_ignored(header: Any, tmp_path: Path) -> None:
    put(tmp_path / "000001.state", header, GOOD)
    whole = header | END if isinstance(header, dict) else header
    put(tmp_path / "000001.ending", whole, b"a network")
    assert Checkpoints(tmp_path).state(1) is None
    assert Checkpoints(tmp_path).outcomes() == {}


@pytest.mark.parametrize(
    "change",
    [{"state": "won"}, {"reason": 3}, {"parameters": "many"}, {"best_epoch": None}, {"state": []}],
)
def test_an_outcome_that_makes_no_sense_is_ignored(change: dict[str, Any], tmp_path: Path) -> None:
    put(tmp_path / "000001.ending", ENDING | change, b"a network")
    assert Checkpoints(tmp_path).outcomes() == {}


@pytest.mark.parametrize(
    "body",
    [
        b"no archive",
        GOOD[:-30],
        zipped(array("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }")),
        zipped(array("{'descr': '<f4', 'fortran_order': False, 'shape': (200000000,), }")),
        zipped(array("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }")),
        zipped(array("__import__('os').system('touch ran')")),
        zipped(b"\0" * 200_000_000, kind=zipfile.ZIP_DEFLATED),
        zipped(b"no array"),
        zipped(array("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }"), "../kernel.npy"),
    ],
)
def test_arrays_that_promise_more_than_there_is_are_not_read(body: bytes, tmp_path: Path) -> None:
    put(tmp_path / "000001.state", STATE, body)
    tracemalloc.start()
    try:
        assert Checkpoints(tmp_path).state(1) is None
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10_000_000
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "name", ["best.state", "notes.ending", "1.state", "٣٣٣٣٣٣.ending", "-00001.state"]
)
def test_files_of_other_names_are_left_alone(name: str, tmp_path: Path) -> None:
    put(tmp_path / name, ENDING, GOOD)
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.outcomes() == {}
    checkpoints.delete_from(0)
    assert (tmp_path / name).exists()


def test_what_is_no_file_is_neither_read_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "000001.state").mkdir()
    (tmp_path / "000002.ending").mkdir()
    os.mkfifo(tmp_path / "000003.state")
    (tmp_path / "000004.ending").symlink_to("/dev/zero")
    checkpoints = Checkpoints(tmp_path)
    assert [checkpoints.state(number) for number in (1, 3)] == [None, None]
    assert checkpoints.outcomes() == {}
    checkpoints.delete(1)
    checkpoints.delete_from(0)
    assert {path.name for path in tmp_path.iterdir()} == {
        "000001.state",
        "000002.ending",
        "000003.state",
    }
