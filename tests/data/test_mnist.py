import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_seq.data.mnist import PACKED, read_mnist, unpack
from scripts import pack_mnist
from scripts.pack_mnist import pack


def idx_file(array: NDArray[np.generic]) -> bytes:
    """An array as MNIST's authors write it: two zeros, 8 for bytes, dimensions, sizes, values."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def test_the_four_original_files_can_be_rebuilt_byte_for_byte() -> None:
    source = read_mnist()
    assert md5(idx_file(source.pool.images_NSF)) == "6bbc9ace898e44ae57da46a324031adb"
    assert md5(idx_file(source.pool.labels_N.astype(np.uint8))) == (
        "a25bea736e30d166cdddb491f175f624"
    )
    assert md5(idx_file(source.test.images_NSF)) == "2646ac647ad5339dbf082846283269ea"
    assert md5(idx_file(source.test.labels_N.astype(np.uint8))) == (
        "27ae3e4e09519cfbb04c329615203637"
    )


def test_it_is_one_file_of_about_ten_megabytes() -> None:
    assert PACKED.stat().st_size < 11_000_000


def test_classes_are_named_by_their_digit() -> None:
    assert read_mnist().class_names == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


@pytest.mark.parametrize("shape", [(3, 5, 5), (1, 1, 1), (2, 8, 8)])
def test_packing_loses_nothing(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    generator = np.random.default_rng(0)
    images_NSF = generator.integers(0, 3, shape, np.uint8) * np.uint8(127)
    labels_N = np.arange(shape[0], dtype=np.uint8)
    pack(tmp_path / "packed.npz", images_NSF, labels_N)
    unpacked_NSF, unpacked_N = unpack(tmp_path / "packed.npz")
    np.testing.assert_array_equal(unpacked_NSF, images_NSF, strict=True)
    np.testing.assert_array_equal(unpacked_N, labels_N, strict=True)


def test_an_idx_file_is_read_by_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])
    (tmp_path / "small.gz").write_bytes(gzip.compress(content))
    # From `printf '\0\0\10\2\0\0\0\2\0\0\0\3\1\2\3\4\5\6' | md5sum`.
    monkeypatch.setitem(pack_mnist.MD5, "small", "1a774071ebf25ebafb01d634933b5146")
    read = pack_mnist.read_idx(tmp_path, "small")
    np.testing.assert_array_equal(read, [[1, 2, 3], [4, 5, 6]])


def test_a_file_that_is_not_the_original_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"\0\0\10\1\0\0\0\1\7"))
    with pytest.raises(SystemExit, match="MD5 of its content is"):
        pack_mnist.read_idx(tmp_path, "t10k-labels-idx1-ubyte")
