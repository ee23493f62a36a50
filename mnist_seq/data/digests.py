"""Digests by which data are known, whatever their files are called.

Shapes: N images, S steps (rows), F features (pixels of a row).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.dataset import Split

Digests: TypeAlias = Mapping[str, str]  # by part, and "data": of all that a training uses

PARTS = ("training", "validation", "test")
TRAINED_ON = ("training", "validation")


def part_digest(part: Split, class_names: Sequence[str]) -> str:
    """BLAKE2b digest (16 hex digits) of a part's images and of their labels' names."""
    # By name: a class that only another part has gained moves the indices of all after it.
    labels = [class_names[label] for label in part.labels_N]
    legend = json.dumps([part.images_NSF.shape, labels])
    digest = hashlib.blake2b(legend.encode(), digest_size=8)
    digest.update(np.ascontiguousarray(part.images_NSF).data)
    return digest.hexdigest()


def image_digests(part: Split) -> list[bytes]:
    """BLAKE2b digest (16 bytes) of each image of a part, without its label."""
    images_NSF = np.ascontiguousarray(part.images_NSF)
    return [hashlib.blake2b(image.data, digest_size=16).digest() for image in images_NSF]


def as_tags(digests: Digests) -> dict[str, str]:
    """Return digests as the tags of an MLflow run."""
    return {f"{part}_digest": digest for part, digest in digests.items()}


def from_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the digests among a run's tags; a run of an earlier version has only one."""
    named = {part: f"{part}_digest" for part in ("data", *PARTS)}
    return {part: tags[tag] for part, tag in named.items() if tag in tags}


def changed_images(
    known: Digests, now: Digests, config: DataConfig, parts: Sequence[str] = PARTS
) -> str | None:
    """Describe which images have changed and their files, or None if none have.

    Parameters
    ----------
    known : mapping
        What was noted earlier; a part without a digest is not compared.
    now : mapping
        Digests of the images as they are.
    config : DataConfig
        Where they come from.
    parts : sequence of str
        Which to compare.

    Returns
    -------
    str or None
        As in ``training and validation images (data.train_file=a.csv)``.
    """
    changed = [part for part in parts if known.get(part, now[part]) != now[part]]
    files = {"data.folder": config.folder}
    if not set(changed).isdisjoint(TRAINED_ON):
        files["data.train_file"] = config.train_file
    elif known.get("data", now["data"]) != now["data"]:  # noted by an earlier version, as one
        changed.insert(0, "training or validation")
        files["data.train_file"] = config.train_file
    if "test" in changed:
        files["data.test_file"] = config.test_file
    if not changed:
        return None
    named = " ".join(f"{setting}={file}" for setting, file in files.items() if file is not None)
    images = " and ".join(filter(None, (", ".join(changed[:-1]), changed[-1]))) + " images"
    return f"{images} ({named})" if named else images
