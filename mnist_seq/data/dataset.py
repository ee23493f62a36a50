"""A dataset: training, validation and test split, class names, and the scaling of the pixels.

Shapes: N images, S steps (rows, read from the top), F features (pixels of a row), K classes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.pixel_format import BYTES, PixelFormat, Pixels


@dataclass(frozen=True)
class RawSplit:
    """Images of one split (training, validation or test) as a source writes them, and labels.

    Attributes
    ----------
    images_NSF : uint8 or float32, shape (N, S, F)
        Grey values, from 0 on.
    labels_N : int32, shape (N,)
        Indices into the class names, in [0, K).
    """

    images_NSF: Pixels
    labels_N: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels_N)

    @property
    def has_fractions(self) -> bool:
        return self.images_NSF.dtype.kind == "f"

    @property
    def largest(self) -> float:
        """Largest grey value of all images; 0 if there is no image."""
        return float(self.images_NSF.max(initial=0))

    def take(self, indices: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Self:
        """Return the images and labels at these indices, in this order."""
        return replace(self, images_NSF=self.images_NSF[indices], labels_N=self.labels_N[indices])

    def in_format(self, pixel_format: PixelFormat) -> "Split":
        """Convert the images from the source's format to 0 to 255."""
        return Split(pixel_format.images(self.images_NSF), self.labels_N)


@dataclass(frozen=True)
class Split(RawSplit):
    """Images of one split and their labels; a grey value is a uint8 from 0 to 255."""

    images_NSF: NDArray[np.uint8]


@dataclass(frozen=True)
class Source:
    """All images of a data source, before any are held out for validation.

    Attributes
    ----------
    name : str
        What an error message calls it: the source's name, or the training file's.
    pool : RawSplit
        Everything to train on and validate with.
    test : RawSplit
        Scored once, at the end.
    class_names : tuple of str
        What label k stands for, at index k.
    description : str or None
        What files seem to be, in a line for the user to check; None where nothing was found out.
    warnings : tuple of str
        What of the files is not among the images, a line each.
    """

    name: str
    pool: RawSplit
    test: RawSplit
    class_names: tuple[str, ...]
    description: str | None = None
    warnings: tuple[str, ...] = ()


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
    description : str or None
        What the files seem to be, in a line for the user to check.
    pixel_format : PixelFormat
        How the source writes the images, and the saved network takes them.
    warnings : tuple of str
        What may not be as the user meant it, a line each.
    """

    train: Split
    validation: Split
    test: Split | None
    class_names: tuple[str, ...]
    scaling: Scaling
    digest: str
    part_digests: Mapping[str, str]
    description: str | None = None
    pixel_format: PixelFormat = BYTES
    warnings: tuple[str, ...] = ()

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
