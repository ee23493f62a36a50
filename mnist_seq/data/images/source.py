"""The user's own images: a folder with a sub-folder for each class.

Shapes: N images, K classes.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.dataset import Source, Split
from mnist_seq.data.images.folder import list_folder
from mnist_seq.data.images.reading import read_once, skipped
from mnist_seq.data.listed import listed, many
from mnist_seq.data.validation_split import Indices, stratified
from mnist_seq.errors import DataError

# The test images stay the same ones whatever data.split_seed says of the others.
TEST_SEED = 0
# One to train on, one to validate and one to test with.
FEWEST_TO_SPLIT = 3


def read_image_folder(config: DataConfig) -> Source:
    """Images of ``data.folder`` in MNIST's form.

    Classes are the sub-folders: in order of their value where all are whole numbers, else of their
    text. Without sub-folders ``train`` and ``test``, a stratified share is kept for the test.

    Raises
    ------
    DataError
        If the folder has no classes, or files that are no usable images.
    """
    folder = config.folder
    assert folder is not None  # DataConfig has made sure
    found = list_folder(folder)
    names = tuple(found.train)
    train = read_once(found.train, config.size, config.ink)
    parts = [train]
    if found.test is not None:
        # In the order of the training classes, of which the test may lack some.
        files = {name: found.test.get(name, []) for name in names}
        parts.append(read_once(files, config.size, config.ink))
    bad = {path: problem for part in parts for path, problem in part.bad.items()}
    skips = skipped(bad, config.on_bad_image, "data.on_bad_image", Path(folder))
    warnings = (*([f"{folder}: {skips}"] if skips else []), *_left_out(folder, found.left_out))
    splits = [Split(part.images_NSF, part.labels_N) for part in parts]
    if found.test is None:
        kept = f"{100 * config.test_fraction:.3g} % of them kept for the test"
        halves = _held_out(folder, train.labels_N, config.test_fraction)
        pool, test = (splits[0].take(half) for half in halves)
    else:
        kept = f"{len(splits[1]):,} more for the test"
        pool, test = splits
        for name, split in zip(("train", "test"), splits, strict=True):
            if not len(split):
                raise DataError(f"{folder}: has no usable images in {name}/")
    dark_N = np.concatenate([part.dark_N for part in parts])
    return Source(
        name=folder,
        pool=pool,
        test=test,
        class_names=names,
        description=(
            f"{folder}: {len(names)} classes, {many(len(splits[0]), 'image')}, {kept}; "
            f"in MNIST's form of {config.size}\N{MULTIPLICATION SIGN}{config.size} pixels, "
            f"{_ink(dark_N)}"
        ),
        warnings=warnings,
    )


def _held_out(folder: str, labels_N: NDArray[np.int32], fraction: float) -> tuple[Indices, Indices]:
    """Indices of the images to train and validate with, and of those to test with."""
    images_K = np.bincount(labels_N)
    # What becomes of rarer classes is settled where validation images are held out.
    takes_part_N = (images_K >= FEWEST_TO_SPLIT)[labels_N]
    candidates = np.flatnonzero(takes_part_N)
    classes = int((images_K >= FEWEST_TO_SPLIT).sum())
    tested = math.ceil(len(candidates) * fraction)
    if not classes or min(tested, len(candidates) - tested) < classes:
        raise DataError(
            f"{folder}: has {many(len(labels_N), 'usable image')}, too few for "
            f"data.test_fraction={fraction:g}: the test needs an image of each class, and so does "
            "the training"
        )
    pool, held_out = stratified(labels_N[candidates], fraction, TEST_SEED)
    rare = np.flatnonzero(~takes_part_N)
    return np.sort(np.concatenate([candidates[pool], rare])), candidates[held_out]


def _left_out(folder: str, paths: Sequence[Path]) -> list[str]:
    """A line about what is no part of the data, if there is anything."""
    if not paths:
        return []
    names = list(dict.fromkeys(path.name for path in paths))
    return [f"{folder}: left out, as no class and no image: {listed(names)}"]


def _ink(dark_N: NDArray[np.bool_]) -> str:
    dark, light = int(dark_N.sum()), int((~dark_N).sum())
    if dark and light:
        return f"dark ink on light paper in {dark:,}, light ink on dark in {light:,}"
    return "dark ink on light paper" if dark else "light ink on dark paper"
