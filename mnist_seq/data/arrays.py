"""The user's own images as NumPy arrays, from Python or from an ``.npz`` file as Keras has them.

Shapes: N images, S steps (rows, read from the top), F features (pixels of a row), K classes.
"""

import hashlib
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.dataset import RawSplit, Source
from mnist_seq.data.pixel_format import WHITEST, Pixels
from mnist_seq.errors import DataError, StoreError

TRAIN, TEST = ("x_train", "y_train"), ("x_test", "y_test")
MOST_PIXELS = 2**16  # of an image


def read_npz_file(config: DataConfig) -> Source:
    """Images of ``data.train_file``, and of ``data.test_file`` where the test arrays are elsewhere.

    Classes are the training labels: in order of their value where they are numbers, else of their
    text.

    Raises
    ------
    DataError
        If an array is missing, or is not images or labels.
    """
    train_file = config.train_file
    assert train_file is not None  # DataConfig has made sure of it
    test_file = config.test_file or train_file
    images_NSF, labels_N = _checked(train_file, TRAIN, *_arrays(train_file, TRAIN))
    test_images_NSF, test_labels_N = _checked(test_file, TEST, *_arrays(test_file, TEST))
    if images_NSF.shape[1:] != test_images_NSF.shape[1:]:
        raise DataError(
            f"{test_file}: x_test has images of {_size(test_images_NSF)} pixels, but x_train of "
            f"{_size(images_NSF)}"
        )
    names_K, indices_N = np.unique(labels_N, return_inverse=True)
    if len(names_K) < 2:
        raise DataError(f"{train_file}: y_train must have at least two classes (got {names_K})")
    if unseen := set(test_labels_N.tolist()) - set(names_K.tolist()):
        raise DataError(f"{test_file}: label {min(unseen)!r} of y_test is not in y_train")
    return Source(
        name=train_file,
        pool=RawSplit(images_NSF, indices_N.astype(np.int32)),
        test=RawSplit(test_images_NSF, np.searchsorted(names_K, test_labels_N).astype(np.int32)),
        class_names=tuple(map(str, names_K.tolist())),
        description=f"{train_file}: {_size(images_NSF)} pixels, {len(names_K)} classes",
    )


def write_npz_file(
    folder: Path,
    train_images: ArrayLike,
    train_labels: ArrayLike,
    test_images: ArrayLike,
    test_labels: ArrayLike,
) -> Path:
    """Keep arrays in a file that ``data=npz`` reads; the same arrays give the same file.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    train_images, test_images : array_like, shape (N, S, F) or (N, S, F, 1)
        Grey values from 0 on: integers up to 255, or floats.
    train_labels, test_labels : array_like, shape (N,)
        Integers or text.

    Returns
    -------
    Path
        Named by the digest of the arrays.

    Raises
    ------
    DataError
        If an array is not images or labels.
    StoreError
        If the file cannot be written.
    """
    x_train, y_train, x_test, y_test = map(
        _as_array, (*TRAIN, *TEST), (train_images, train_labels, test_images, test_labels)
    )
    train = _checked("data", TRAIN, x_train, y_train)
    test = _checked("data", TEST, x_test, y_test)
    arrays = dict(zip((*TRAIN, *TEST), (*train, *test), strict=True))
    digest = hashlib.blake2b(digest_size=8)
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    file = folder / f"{digest.hexdigest()}.npz"
    if not file.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix="unfinished-") as unfinished:
                written = Path(unfinished, file.name)
                np.savez_compressed(written, allow_pickle=False, **arrays)
                written.replace(file)
        except OSError as error:
            raise StoreError(f"{file}: cannot be written ({error.strerror or error})") from error
    return file


def _arrays(file: str, names: tuple[str, str]) -> tuple[Any, Any]:
    """Two arrays of a file; none that would have to be unpickled."""
    try:
        # Opened here: of a damaged one NumPy leaves it open.
        with Path(file).open("rb") as raw:
            opened = np.load(raw, allow_pickle=False)
            if not isinstance(opened, np.lib.npyio.NpzFile):
                raise DataError(f"{file}: must be an .npz file; this is one array")
            absent = [name for name in names if name not in opened]
            if absent:
                held = ", ".join(opened.files) or "nothing"
                raise DataError(f"{file}: has no array {' and '.join(absent)}; it holds {held}")
            return opened[names[0]], opened[names[1]]
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except (
        OSError,
        ValueError,
        EOFError,
        MemoryError,
        RuntimeError,  # zipfile's, of an encrypted member
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{file}: cannot be read as NumPy arrays ({reason})") from None


def _as_array(name: str, values: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:  # lists of different lengths
        raise DataError(f"data: {name}: {error}") from None


def _checked(
    file: str, names: tuple[str, str], images: NDArray[Any], labels: NDArray[Any]
) -> tuple[Pixels, NDArray[Any]]:
    """Check images and labels; return them as uint8 or float32 (N, S, F) and (N,)."""
    x, y = names
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 or 0 in images.shape or images[0].size > MOST_PIXELS:
        raise DataError(
            f"{file}: {x} must have the shape (images, rows, pixels of a row), with at most "
            f"{MOST_PIXELS} pixels an image (got {images.shape})"
        )
    if images.dtype.kind not in "uifb" or labels.dtype.kind not in "uibU":
        kind, found = (y, labels) if images.dtype.kind in "uifb" else (x, images)
        allowed = "whole numbers or text" if found is labels else "numbers"
        raise DataError(f"{file}: {kind} must be {allowed} (got {found.dtype})")
    if labels.shape != images.shape[:1]:
        raise DataError(
            f"{file}: {y} must have a label for each image of {x}, so the shape "
            f"{images.shape[:1]} (got {labels.shape})"
        )
    if not np.isfinite(images).all() or images.min() < 0:
        raise DataError(f"{file}: {x} must not have values below 0, infinite or NaN")
    if images.dtype.kind in "uib" and images.max() <= WHITEST:
        return images.astype(np.uint8, copy=False), labels
    return images.astype(np.float32, copy=False), labels


def _size(images_NSF: Pixels) -> str:
    return " by ".join(map(str, images_NSF.shape[1:]))
