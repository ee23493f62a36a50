"""Split a source's training images into a training and a validation set.

Shapes: N images, V of them held out, K classes. Both splits keep the order that the images had.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.dataset import RawSplit, Source
from mnist_seq.data.listed import many
from mnist_seq.errors import DataError

Indices = NDArray[np.intp]
MOST_LISTED = 10


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


@dataclass(frozen=True)
class Parts:
    """A source's images, split.

    Attributes
    ----------
    train, validation, test : RawSplit
        Labels are indices into `class_names`; the validation images are among those to train on
        where ``data.train_on`` says so.
    class_names : tuple of str
        The source's, but for those left out.
    left_out : str
        Which classes were left out, in one line; empty if none was.
    """

    train: RawSplit
    validation: RawSplit
    test: RawSplit
    class_names: tuple[str, ...]
    left_out: str


def split_parts(source: Source, config: DataConfig) -> Parts:
    """Split a source's pool of images into training and validation images.

    Raises
    ------
    DataError
        If a part would be left without images, or training without one of the classes.
    """
    kind, labels_N, names = config.validation_split, source.pool.labels_N, source.class_names
    images_K = np.bincount(labels_N, minlength=len(names))
    kept_K = images_K >= 2 if kind == "stratified" else np.full(len(names), True)
    rare = int(kept_K.argmin())
    problem = f"class {names[rare]!r} has {many(images_K[rare], 'image')}"
    needs = f"data.validation_split={kind} needs at least 2 of each class"
    _check_kept(kept_K, f"{problem}; {needs}", source, config)
    kept_N = np.flatnonzero(kept_K[labels_N])
    _check_count(len(kept_N), int(kept_K.sum()), source, config)

    split = VALIDATION_SPLITS[kind]
    halves = split(labels_N[kept_N], config.validation_fraction, config.split_seed)
    train, validation = (source.pool.take(kept_N[half]) for half in halves)
    kept_K = np.bincount(train.labels_N, minlength=len(names)) > 0
    unseen = names[int(kept_K.argmin())]
    problem = f"data.validation_split={kind} leaves no image of class {unseen!r} to train on"
    _check_kept(kept_K, problem, source, config)
    trained_on = source.pool.take(kept_N) if config.train_on == "train+validation" else train
    parts = Parts(
        train=_only(kept_K, trained_on),
        validation=_only(kept_K, validation),
        test=_only(kept_K, source.test),
        class_names=tuple(names[k] for k in np.flatnonzero(kept_K)),
        left_out=_listed([(names[k], images_K[k]) for k in np.flatnonzero(~kept_K)]),
    )
    for what, part in (("validation", parts.validation), ("test", parts.test)):
        if not len(part):
            raise DataError(f"{source.name}: data.rare_classes=leave_out leaves no {what} images")
    return parts


def _check_kept(
    kept_K: NDArray[np.bool_], problem: str, source: Source, config: DataConfig
) -> None:
    """Raise a DataError if a class is too small, unless it may be dropped and two others remain."""
    if kept_K.all():
        return
    if config.rare_classes == "fail":
        way_out = "data.rare_classes=leave_out goes on without such classes"
        raise DataError(f"{source.name}: {problem}; {way_out}")
    if kept_K.sum() < 2:
        raise DataError(
            f"{source.name}: data.rare_classes=leave_out leaves {kept_K.sum()} of {len(kept_K)} "
            "classes; there must be at least two"
        )


def _check_count(count: int, classes: int, source: Source, config: DataConfig) -> None:
    fraction = config.validation_fraction
    if config.validation_split == "stratified":
        held_out = math.ceil(count * fraction)
        fewest, needed = classes, f"an image of each of the {classes} classes"
    else:
        held_out = count - int(count * (1.0 - fraction))
        fewest, needed = 1, "an image"
    if min(held_out, count - held_out) < fewest:
        raise DataError(
            f"{source.name}: has {many(count, 'image')}, too few for "
            f"data.validation_fraction={fraction}: training and validation each need {needed}"
        )


def _only(kept_K: NDArray[np.bool_], split: RawSplit) -> RawSplit:
    """Return the images of the classes that are kept, under their new indices."""
    if kept_K.all():
        return split
    of_kept = split.take(kept_K[split.labels_N])
    index_K = np.cumsum(kept_K, dtype=np.int32) - np.int32(1)
    return replace(of_kept, labels_N=index_K[of_kept.labels_N])


def _listed(left_out: Sequence[tuple[str, int]]) -> str:
    first = left_out[:MOST_LISTED]
    shown = [f"class {name!r} ({many(count, 'image')})" for name, count in first]
    if more := len(left_out) - len(shown):
        shown.append(f"{more} more")
    return f"left out: {', '.join(shown)}" if shown else ""
