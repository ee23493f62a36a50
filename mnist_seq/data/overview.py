"""What a dataset holds: images of each class and part, and what in them may be a mistake.

Of the test images only labels and digests are looked at. Shapes: K classes, P parts, N images.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.dataset import Dataset, Split
from mnist_seq.data.digests import PARTS, image_digests
from mnist_seq.data.listed import listed, many

FEW_IMAGES = 10
# Of the ink of the median training image.
NEARLY_EMPTY = 0.1


@dataclass(frozen=True)
class Overview:
    """Counts of a dataset's images.

    Attributes
    ----------
    class_names : tuple of str
        K of them.
    counts_PK : int, shape (3, K)
        Training, validation and test images of each class.
    ink : float
        Mean grey value of the training images, from 0 to 1.
    doubts : tuple of str
        What may be a mistake, a line each.
    """

    class_names: tuple[str, ...]
    counts_PK: NDArray[np.intp]
    ink: float
    doubts: tuple[str, ...]


def overview(data: Dataset) -> Overview:
    """Count a dataset's images, and look for classes, images and repetitions that may mislead.

    Parameters
    ----------
    data : Dataset
        With its test images.
    """
    assert data.test is not None
    parts = (data.train, data.validation, data.test)
    counts = [np.bincount(part.labels_N, minlength=len(data.class_names)) for part in parts]
    doubts = [
        *_few(data.class_names, counts[0]),
        *_nearly_empty(data),
        *_repeated("validation", data.validation, data.train),
        *_repeated("test", data.test, data.train, data.validation),
    ]
    ink = float(data.train.images_NSF.mean()) / 255
    return Overview(data.class_names, np.stack(counts), ink, tuple(doubts))


def _few(names: Sequence[str], images_K: NDArray[np.intp]) -> Iterator[str]:
    rare = [f"{names[k]!r} ({count})" for k, count in enumerate(images_K) if count < FEW_IMAGES]
    if rare:
        yield f"fewer than {FEW_IMAGES} training images: class {listed(rare)}"


def _nearly_empty(data: Dataset) -> Iterator[str]:
    ink_N = data.train.images_NSF.sum(axis=(1, 2), dtype=np.int64)
    empty_N = ink_N < NEARLY_EMPTY * np.median(ink_N)
    if empty_N.any():
        images_K = np.bincount(data.train.labels_N[empty_N], minlength=len(data.class_names))
        named = [f"{data.class_names[k]!r} ({n})" for k, n in enumerate(images_K) if n]
        yield (
            f"{empty_N.sum():,} of {len(ink_N):,} training images nearly empty, with less than a "
            f"tenth of the median image's ink: class {listed(named)}"
        )


def _repeated(name: str, part: Split, *earlier: Split) -> Iterator[str]:
    """Tell how many images of a part are in earlier parts too, pixel by pixel."""
    labels: dict[bytes, set[int]] = {}
    for split in earlier:
        for digest, label in zip(image_digests(split), split.labels_N.tolist(), strict=True):
            labels.setdefault(digest, set()).add(label)
    known = [labels.get(digest) for digest in image_digests(part)]
    repeated = sum(found is not None for found in known)
    if repeated:
        pairs = zip(known, part.labels_N.tolist(), strict=True)
        otherwise = sum(found is not None and label not in found for found, label in pairs)
        where = " or ".join(PARTS[: len(earlier)])
        images = f"is a {where} image" if repeated == 1 else f"are {where} images"
        contradicted = f"; {otherwise:,} of them as another class" if otherwise else ""
        yield (
            f"{repeated:,} of {many(len(part), f'{name} image')} {images} as well, "
            f"pixel by pixel{contradicted}"
        )
