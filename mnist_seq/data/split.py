"""Which images are held out for validation.

Shapes: N images, K classes. Both parts keep the order that the images had.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config import DataConfig
from mnist_seq.data.dataset import Part, Source
from mnist_seq.errors import DataError

Places = NDArray[np.intp]


def stratified(labels_N: NDArray[np.int32], fraction: float, seed: int) -> tuple[Places, Places]:
    """Places for training and for validation, with the same mix of classes in both.

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
        Each ascending; together every place once.
    """
    from sklearn.model_selection import train_test_split

    train, validation = train_test_split(
        np.arange(len(labels_N)), test_size=fraction, stratify=labels_N, random_state=seed
    )
    return np.sort(train), np.sort(validation)


def tail(count: int, fraction: float) -> tuple[Places, Places]:
    """Places for training and for validation, which is the end, cut where Keras cuts.

    Returns
    -------
    tuple of int, shapes (N - V,) and (V,)
        Each ascending; either may be empty where there are too few images.

    References
    ----------
    Keras 3, ``validation_split`` of ``Model.fit``: training is the first
    ``int(count * (1 - fraction))`` images.
    """
    training = int(count * (1.0 - fraction))
    return np.arange(training), np.arange(training, count)


SPLITS: dict[str, Callable[[NDArray[np.int32], DataConfig], tuple[Places, Places]]] = {
    "stratified": lambda labels_N, config: stratified(
        labels_N, config.validation_fraction, config.split_seed
    ),
    "tail": lambda labels_N, config: tail(len(labels_N), config.validation_fraction),
}


def split(source: Source, config: DataConfig) -> tuple[Part, Part]:
    """The pool's training and validation parts.

    Raises
    ------
    DataError
        If a part would be left without images, or training without one of the classes.
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
        if min(held_out, count - held_out) < len(names):
            raise _too_few(source, config, f"an image of each of the {len(names)} classes")
    elif int(count * (1.0 - fraction)) in (0, count):
        raise _too_few(source, config, "an image")

    training, validation = SPLITS[config.validation_split](labels_N, config)
    unseen = np.setdiff1d(labels_N, labels_N[training])
    if len(unseen):
        raise DataError(
            f"{source.name}: data.validation_split={config.validation_split} leaves no image of "
            f"class {names[unseen[0]]!r} to train on"
        )
    return source.pool.take(training), source.pool.take(validation)


def _too_few(source: Source, config: DataConfig, wanted: str) -> DataError:
    return DataError(
        f"{source.name}: has {_images(len(source.pool))}, too few for "
        f"data.validation_fraction={config.validation_fraction}: "
        f"training and validation each need {wanted}"
    )


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
