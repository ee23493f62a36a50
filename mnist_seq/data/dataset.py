"""A dataset: training, validation and test split, class names, and the scaling of the pixels.

Shapes: N images, S steps (rows, read from the top), F features (pixels of a row), K classes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Split:
    """Images of one split (training, validation or test) and their labels.

    Attributes
    ----------
    images_NSF : uint8, shape (N, S, F)
        Raw pixels, 0 to 255.
    labels_N : int32, shape (N,)
        Indices into the class names, in [0, K).
    """

    images_NSF: NDArray[np.uint8]
    labels_N: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels_N)

    def take(self, indices: NDArray[np.intp] | slice) -> "Split":
        """Return the images and labels at these indices, in this order."""
        return Split(self.images_NSF[indices], self.labels_N[indices])


@dataclass(frozen=True)
class Source:
    """All images of a data source, before any are held out for validation.

    Attributes
    ----------
    name : str
        What an error message calls it: the source's name, or the training file's.
    pool : Split
        Everything to train on and validate with.
    test : Split
        Scored once, at the end.
    class_names : tuple of str
        What label k stands for, at index k.
    """

    name: str
    pool: Split
    test: Split
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Scaling:
    """Pixel-wise scaling: a pixel enters the network as ``(pixel - offset) / scale``.

    Attributes
    ----------
    offset_SF, scale_SF : float32, shape (S, F)
        No scale is zero.
    """

    offset_SF: NDArray[np.float32]
    scale_SF: NDArray[np.float32]


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test split, class names and pixel scaling of a data source.

    Attributes
    ----------
    train, validation : Split
        What the weights are fitted to, and what choices are made by.
    test : Split or None
        Scored once, at the end; None where it must not be seen.
    class_names : tuple of str
        What label k stands for, at index k.
    scaling : Scaling
        Fitted on `train` alone.
    digest : str
        16 hexadecimal digits; equal for equal trainings' data, whatever file they came from.
    part_digests : mapping
        The same of the training, validation and test images alone, by these names.
    """

    train: Split
    validation: Split
    test: Split | None
    class_names: tuple[str, ...]
    scaling: Scaling
    digest: str
    part_digests: Mapping[str, str]

    @property
    def digests(self) -> Mapping[str, str]:
        """Digests of each part, and as ``data`` that of all that a training uses."""
        return {"data": self.digest, **self.part_digests}


def digest_of(
    train: Split, validation: Split, class_names: tuple[str, ...], scaling: Scaling
) -> str:
    """BLAKE2b digest (16 hex digits) of all data that a training uses, so without test images."""
    arrays: dict[str, NDArray[np.generic]] = {
        "train images": train.images_NSF,
        "train labels": train.labels_N,
        "validation images": validation.images_NSF,
        "validation labels": validation.labels_N,
        "offset": scaling.offset_SF,
        "scale": scaling.scale_SF,
    }
    # What each array is goes in before its bytes, so that none can run over into the next.
    legend = {name: [array.dtype.str, *array.shape] for name, array in arrays.items()}
    digest = hashlib.blake2b(json.dumps([legend, class_names]).encode(), digest_size=8)
    for array in arrays.values():
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
