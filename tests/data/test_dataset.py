from dataclasses import replace

import numpy as np
import pytest

from mnist_seq.data.dataset import Dataset, Scaling, Split, digest_of


def small() -> Dataset:
    images_NSF = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    split = Split(images_NSF, np.array([0, 1, 0], np.int32))
    scaling = Scaling(np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32))
    return Dataset(split, split.take(slice(1, 3)), split, ("a", "b"), scaling, "", {})


def digest(data: Dataset) -> str:
    return digest_of(data.train, data.validation, data.class_names, data.scaling)


def test_the_digest_is_sixteen_hexadecimal_digits_and_the_same_every_time() -> None:
    assert digest(small()) == digest(small())
    assert len(digest(small())) == 16
    assert int(digest(small()), 16) >= 0


def changed(which: str) -> Dataset:
    data = small()
    match which:
        case "train images":
            data.train.images_NSF[0, 0, 0] += 1
        case "train labels":
            data.train.labels_N[0] = 1
        case "validation images":
            copy_NSF = data.validation.images_NSF.copy()
            copy_NSF[1, 1, 1] += 1
            data = replace(data, validation=replace(data.validation, images_NSF=copy_NSF))
        case "class names":
            data = replace(data, class_names=("a", "c"))
        case "class names' borders":
            data = replace(data, class_names=('a", "b',))
        case "offset":
            data.scaling.offset_SF[1, 1] = 0.5
        case "scale":
            data.scaling.scale_SF[1, 1] = 0.5
        case "border between the splits":
            both = data.train.take(np.array([0, 1, 2, 1, 2]))
            data = replace(data, train=both.take(slice(4)), validation=both.take(slice(4, 5)))
        case "shape of the images":
            wide_NSF = data.train.images_NSF.reshape(3, 1, 4)
            data = replace(data, train=replace(data.train, images_NSF=wide_NSF))
    return data


@pytest.mark.parametrize(
    "which",
    [
        "train images",
        "train labels",
        "validation images",
        "class names",
        "class names' borders",
        "offset",
        "scale",
        "border between the splits",
        "shape of the images",
    ],
)
def test_the_digest_changes_with_the(which: str) -> None:
    assert digest(changed(which)) != digest(small())


def test_images_that_are_not_side_by_side_in_memory_have_the_same_digest() -> None:
    data = small()
    spread_NSF = np.repeat(data.train.images_NSF, 2, axis=0)[::2]
    assert not spread_NSF.flags.c_contiguous
    assert digest(replace(data, train=replace(data.train, images_NSF=spread_NSF))) == digest(data)
