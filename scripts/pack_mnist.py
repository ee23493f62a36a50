"""Packs MNIST's four original files into one: ``python -m scripts.pack_mnist FOLDER``.

The folder holds ``train-images-idx3-ubyte.gz`` and its three companions. An idx file is a magic
number, one 32-bit size for each dimension, all big-endian, and then the bytes.
"""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.mnist import PACKED

# Of the unzipped files: what gzip makes of them differs from one mirror to the next.
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def pack(path: Path, images_NSF: NDArray[np.uint8], labels_N: NDArray[np.uint8]) -> None:
    """Write images and labels as one file, which is the same whenever it is written."""
    has_ink_NSF = images_NSF != 0
    np.savez_compressed(
        path,
        shape=np.array(images_NSF.shape),
        has_ink=np.packbits(has_ink_NSF),
        ink=images_NSF[has_ink_NSF],
        labels=labels_N,
    )


def pack_originals(folder: Path) -> None:
    """Write the file that `mnist_seq.data.mnist` reads, from MNIST's four original files."""
    train_images, train_labels, test_images, test_labels = (read_idx(folder, name) for name in MD5)
    images_NSF = np.concatenate([train_images, test_images])
    pack(PACKED, images_NSF, np.concatenate([train_labels, test_labels]))
    print(f"{PACKED}: {PACKED.stat().st_size:,} bytes")


def read_idx(folder: Path, name: str) -> NDArray[np.uint8]:
    """Array in an original file.

    Raises
    ------
    SystemExit
        If its checksum is not that of the original.
    """
    content = gzip.decompress((folder / f"{name}.gz").read_bytes())
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != MD5[name]:
        raise SystemExit(f"{folder / name}.gz: MD5 of its content is {found}, not {MD5[name]}")
    return idx_array(content)


def idx_array(content: bytes) -> NDArray[np.uint8]:
    """Array of bytes in the content of an idx file."""
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", count=dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m scripts.pack_mnist FOLDER")
    pack_originals(Path(sys.argv[1]))
