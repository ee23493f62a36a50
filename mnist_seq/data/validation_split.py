"""Split a source's training images into a training and a validation set.

Shapes: N images, V of them held out, K classes. Both splits keep the order that the images had.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config import DataConfig
from mnist_seq.data.dataset import Source, Split
from mnist_seq.errors import DataError

Indices = NDArray[np.intp]


def stratified(labels_N: NDArray[np.int32], fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Stratified split: return the indices of the training and of the validation images.

    Parameters
    ----------
    labels_N : int, shape (N,)
        At least two images of each class.
    fraction : float
        Share of validation, rounded up to whole images.
    seed : int
        All that the choice depends on, besides the labels.

    Returns
    -------
    tuple of int, shapes (N - V,) and (V,)
        Each ascending; together every index once.
    """
    from sklearn.model_selection import train_test_split

    train, validation = train_test_split(
        np.arange(len(labels_N)), test_size=fraction, stratify=labels_N, random_state=seed
    )
    return np.sort(train), np.sort(validation)


def tail(labels_N: NDArray[np.int32], fraction: float, _seed: int) -> tuple[Indices, Indices]:
    """Hold out the last images for validation, as Keras does; return both index arrays.

    Returns
    -------
    tuple of int, shapes (N - V,) and (V,)
        Each ascending; either may be empty where there are too few images.

    References
    ----------
    Keras 3, ``validation_split`` of ``Model.fit``: training is the first
    ``int(N * (1 - fraction))`` images.
    """
    count = len(labels_N)
    training = int(count * (1.0 - fraction))
    return np.arange(training), np.arange(training, count)


VALIDATION_SPLITS = {"stratified": stratified, "tail": tail}


def train_validation_split(source: Source, config: DataConfig) -> tuple[Split, Split]:
    """Split a source's pool of images into training and validation images.

    Raises
    ------
    DataError
        If a split would be left without images, or training without one of the classes.
    """
    labels_N, names = source.pool.labels_N, source.class_names
    count, fraction = len(labels_N), config.validation_fraction
    if config.validation_split == "stratified":
        images_K = np.bincount(labels_N, minlength=len(names))
        rarest = int(images_K.argmin())
        if images_K[rarest] < 2:
            raise DataError(
                f"{source.name}: class {names[rarest]!r} has {_images(images_K[rarest])}; "
                "data.validation_split=stratified needs at least 2 of each class"
            )
        held_out = math.ceil(count * fraction)
        fewest, needed = len(names), f"an image of each of the {len(names)} classes"
    else:
        held_out = count - int(count * (1.0 - fraction))
        fewest, needed = 1, "an image"
    if min(held_out, count - held_out) < fewest:
        raise DataError(
            f"{source.name}: has {_images(count)}, too few for data.validation_fraction={fraction}:"
            f" training and validation each need {needed}"
        )

    split = VALIDATION_SPLITS[config.validation_split]
    train, validation = split(labels_N, fraction, config.split_seed)
    unseen = np.setdiff1d(labels_N, labels_N[train])
    if len(unseen):
        raise DataError(
            f"{source.name}: data.validation_split={config.validation_split} leaves no image of "
            f"class {names[unseen[0]]!r} to train on"
        )
    return source.pool.take(train), source.pool.take(validation)


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
