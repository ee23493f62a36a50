"""NumPy files, also damaged ones."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.data.arrays import read_npz_file, write_npz_file
from mnist_seq.errors import DataError, StoreError
from tests.examples import config


def test_a_damaged_file_is_one_line_wherever_the_damage_is(tmp_path: Path) -> None:
    file = tmp_path / "letters.npz"
    images_NSF, labels_N = np.arange(144, dtype=np.uint8).reshape(4, 6, 6), np.array([0, 1, 0, 1])
    named = {"x_train": images_NSF, "y_train": labels_N, "x_test": images_NSF, "y_test": labels_N}
    np.savez_compressed(file, allow_pickle=False, **named)
    settings, whole, refused = (
        config("data=npz", f"data.train_file={file}").data,
        file.read_bytes(),
        0,
    )
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        file.write_bytes(damaged)
        with contextlib.suppress(DataError):
            read_npz_file(settings)
            continue
        refused += 1
    assert refused > len(whole) / 2


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros((2, 4, 4)))
    with pytest.raises(DataError, match=r"one\.npy: must be an \.npz file; this is one array"):
        read_npz_file(config("data=npz", f"data.train_file={tmp_path / 'one.npy'}").data)


def test_an_encrypted_member_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "letters.npz"
    np.savez(file, x_train=np.zeros((2, 4, 4), np.uint8), y_train=np.array([0, 1]))
    whole = bytearray(file.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flags of each member
        place = whole.find(mark)
        while place >= 0:
            whole[place + offset] |= 1
            place = whole.find(mark, place + 1)
    file.write_bytes(whole)
    with pytest.raises(
        DataError, match=r"letters\.npz: cannot be read as NumPy arrays \(.*encrypt"
    ):
        read_npz_file(config("data=npz", f"data.train_file={file}").data)


def test_the_same_arrays_may_be_kept_by_several_threads_at_once(tmp_path: Path) -> None:
    images_NSF = np.random.default_rng(0).integers(0, 256, (500, 28, 28), np.uint8)
    labels_N = np.arange(500) % 2
    with ThreadPoolExecutor(4) as pool:
        written = [
            pool.submit(write_npz_file, tmp_path, images_NSF, labels_N, images_NSF, labels_N)
            for _ in range(8)
        ]
    (file,) = {each.result() for each in written}
    assert list(tmp_path.iterdir()) == [file]
    source = read_npz_file(config("data=npz", f"data.train_file={file}").data)
    np.testing.assert_array_equal(source.pool.images_NSF, images_NSF)


def test_arrays_that_cannot_be_kept_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    images_NSF, labels_N = np.zeros((2, 4, 4)), np.array([0, 1])
    with pytest.raises(StoreError, match=r"npz: cannot be written \(File exists\)$"):
        write_npz_file(tmp_path / "data", images_NSF, labels_N, images_NSF, labels_N)
