"""MNIST or Fashion-MNIST as CSV files for ``data=csv``: a label and 784 grey values in each row.

    python -m examples.csv_files FOLDER             # mnist_train.csv and mnist_test.csv
    python -m examples.csv_files FOLDER --fashion /usr/share/datasets/fashion-mnist

Without a header, as MNIST is passed around. MNIST comes with this project, Fashion-MNIST with
Debian's package dataset-fashion-mnist, as four gzipped idx files.
"""

import argparse
import gzip
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnist_seq.data.mnist import PACKED, TRAINING_IMAGES, unpack
from scripts.pack_mnist import idx_array


def mnist() -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Each split's file name, its labels (N,) and its images (N, 784)."""
    images_NSF, labels_N = unpack(PACKED)
    images_NP = images_NSF.reshape(-1, 784)
    yield "mnist_train", labels_N[:TRAINING_IMAGES], images_NP[:TRAINING_IMAGES]
    yield "mnist_test", labels_N[TRAINING_IMAGES:], images_NP[TRAINING_IMAGES:]


def fashion(folder: Path) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Each split's file name, labels and images, of Fashion-MNIST's idx files in a folder."""
    for name, prefix in (("fashion_train", "train"), ("fashion_test", "t10k")):
        labels_N, images_NSF = (
            idx_array(gzip.decompress((folder / f"{prefix}-{kind}-ubyte.gz").read_bytes()))
            for kind in ("labels-idx1", "images-idx3")
        )
        yield name, labels_N, images_NSF.reshape(-1, 784)


def main(words: Sequence[str]) -> int:
    """Write two files; returns the exit code."""
    parser = argparse.ArgumentParser(description="MNIST or Fashion-MNIST as CSV files.")
    parser.add_argument("folder", type=Path, help="where the files are written")
    parser.add_argument("--fashion", type=Path, help="folder with Fashion-MNIST's four idx files")
    options = parser.parse_args(words)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for name, labels_N, images_NP in fashion(options.fashion) if options.fashion else mnist():
            file = options.folder / f"{name}.csv"
            rows = pd.DataFrame(np.column_stack([labels_N, images_NP]))
            rows.to_csv(file, header=False, index=False)
            print(f"{file}: {len(rows)} images")
    except OSError as error:
        print(f"{error.filename}: {error.strerror}" if error.filename else error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
