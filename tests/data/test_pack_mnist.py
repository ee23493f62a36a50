import gzip
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.data import pack_mnist


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
