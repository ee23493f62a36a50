"""What a training sees: images and their labels in parts, the names of the classes, the scaling.

Shapes: N images, S steps (rows, read from the top), F features (pixels of a row), K classes.
"""

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Part:
    """Images and what they show.

    Attributes
    ----------
    images_NSF : uint8, shape (N, S, F)
        Raw pixels, 0 to 255.
    labels_N : int32, shape (N,)
        Places in the class names, in [0, K).
    """

    images_NSF: NDArray[np.uint8]
    labels_N: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels_N)

    def take(self, places: NDArray[np.intp] | slice) -> "Part":
        """The images at these places, in this order."""
        return Part(self.images_NSF[places], self.labels_N[places])


@dataclass(frozen=True)
class Source:
    """What a source of images gives, before any choice about the training is made.

    Attributes
    ----------
    name : str
        What an error message calls it: the source's name, or the training file's.
    pool : Part
        Everything to train on and validate with.
    test : Part
        Scored once, at the end.
    class_names : tuple of str
        What label k stands for, at place k.
    """

    name: str
    pool: Part
    test: Part
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Scaling:
    """Numbers that bring pixels near zero and one: ``(pixel - offset) / scale``.

    Attributes
    ----------
    offset_SF, scale_SF : float32, shape (S, F)
        One for each place of the image; no scale is zero.
    """

    offset_SF: NDArray[np.float32]
    scale_SF: NDArray[np.float32]


@dataclass(frozen=True)
class Dataset:
    """Everything that a training and its scoring read.

    Attributes
    ----------
    train, validation : Part
        What the weights are fitted to, and what choices are made by.
    test : Part or None
        Scored once, at the end; None where it must not be seen.
    class_names : tuple of str
        What label k stands for, at place k.
    scaling : Scaling
        Fitted on `train` alone.
    digest : str
        16 hexadecimal digits; equal for equal trainings' data, whatever file they came from.
    """

    train: Part
    validation: Part
    test: Part | None
    class_names: tuple[str, ...]
    scaling: Scaling
    digest: str

    def without_test(self) -> "Dataset":
        """The same without its test images: all that a training needs."""
        return replace(self, test=None)


def digest_of(train: Part, validation: Part, class_names: tuple[str, ...], scaling: Scaling) -> str:
    """A name for all the data that a training depends on; test images are no part of it.

    Returns
    -------
    str
        16 hexadecimal digits of BLAKE2b.
    """
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
