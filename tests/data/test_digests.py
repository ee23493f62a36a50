from dataclasses import replace

import numpy as np
import pytest

from mnist_seq.data.dataset import Split
from mnist_seq.data.digests import as_tags, changed_images, from_tags, part_digest
from mnist_seq.data.load import load
from tests.data.conftest import MakeConfig

KNOWN = {"data": "0", "training": "1", "validation": "2", "test": "3"}


def small() -> Split:
    images_NSF = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    return Split(images_NSF, np.array([0, 1, 0], np.int32))


def test_a_part_has_the_same_digest_whatever_number_its_classes_have() -> None:
    renumbered = replace(small(), labels_N=np.array([1, 2, 1], np.int32))
    assert part_digest(small(), "ab") == part_digest(renumbered, "xab")
    assert part_digest(small(), "ab") != part_digest(renumbered, "abx")


def test_a_part_has_another_digest_when_its_images_stand_in_another_order() -> None:
    assert part_digest(small(), "ab") != part_digest(small().take(np.array([2, 1, 0])), "ab")


@pytest.mark.parametrize("shape", [(3, 1, 4), (3, 4, 1)])
def test_the_same_pixels_in_another_shape_have_another_digest(shape: tuple[int, ...]) -> None:
    other = replace(small(), images_NSF=small().images_NSF.reshape(shape))
    assert part_digest(small(), "ab") != part_digest(other, "ab")


def test_another_split_is_other_training_and_validation_images_but_the_same_test_images(
    config: MakeConfig,
) -> None:
    one, other = (load(config(source="digits", split_seed=seed)).digests for seed in (0, 1))
    assert {part for part in one if one[part] != other[part]} == {"data", "training", "validation"}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({}, None),
        ({"training": "9", "data": "9"}, "training images (data.train_file=a.csv)"),
        ({"validation": "9", "data": "9"}, "validation images (data.train_file=a.csv)"),
        ({"test": "9"}, "test images (data.test_file=b.csv)"),
        (
            {"data": "9", "training": "9", "validation": "9", "test": "9"},
            "training, validation and test images (data.train_file=a.csv data.test_file=b.csv)",
        ),
    ],
)
def test_what_has_changed_is_named_with_its_file(
    now: dict[str, str], words: str | None, config: MakeConfig
) -> None:
    files = config(source="csv", train_file="a.csv", test_file="b.csv")
    assert changed_images(KNOWN, KNOWN | now, files) == words


def test_of_an_earlier_version_only_one_digest_of_two_parts_is_known(config: MakeConfig) -> None:
    earlier, digits = from_tags({"data_digest": "0", "seed": "1"}), config(source="digits")
    assert earlier == {"data": "0"}
    assert changed_images(earlier, KNOWN | {"test": "9"}, digits) is None
    changed = changed_images(earlier, KNOWN | {"data": "9", "training": "9"}, digits)
    assert changed == "training or validation images"


def test_a_part_that_is_not_needed_is_not_compared(config: MakeConfig) -> None:
    now, digits = KNOWN | {"test": "9"}, config(source="digits")
    assert changed_images(KNOWN, now, digits, ("training", "validation")) is None
    assert changed_images(KNOWN, now, digits) == "test images"


def test_digests_come_back_from_the_tags_of_a_run() -> None:
    assert from_tags({"seed": "0", **as_tags(KNOWN)}) == KNOWN
