"""Counts and doubts of datasets small enough to be counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_seq.data.dataset import Dataset, Split
from mnist_seq.data.load import load
from mnist_seq.data.overview import overview
from tests.data.conftest import MakeConfig


def split(*labels: int, start: int) -> Split:
    """Images of one grey value each, counted up from `start`."""
    greys_N = np.arange(start, start + len(labels), dtype=np.uint8)
    images_NSF = np.broadcast_to(greys_N[:, None, None], (len(labels), 4, 4)).copy()
    return Split(images_NSF, np.array(labels, np.int32))


@pytest.fixture
def data(config: MakeConfig) -> Dataset:
    """Ten training images of a, two of b; two validation and three test images."""
    return replace(
        load(config(source="digits")),
        class_names=("a", "b"),
        train=split(*[0] * 10, 1, 1, start=100),
        validation=split(0, 1, start=150),
        test=split(0, 1, 1, start=200),
    )


def test_images_are_counted(data: Dataset) -> None:
    found = overview(data)
    assert found.counts_PK.tolist() == [[10, 2], [1, 1], [1, 2]]
    assert found.ink == pytest.approx((100 + 111) / 2 / 255)
    assert found.doubts == ("fewer than 10 training images: class 'b' (2)",)


def test_images_in_two_parts_are_counted(data: Dataset) -> None:
    assert data.test is not None
    data.test.images_NSF[0] = data.train.images_NSF[3]  # of class a, as is its label
    data.test.images_NSF[1] = data.train.images_NSF[4]  # of class a, but here of b
    data.test.images_NSF[2] = data.validation.images_NSF[1]
    data.validation.images_NSF[0] = data.train.images_NSF[0]
    assert overview(data).doubts[1:] == (
        "1 of 2 validation images is a training image as well, pixel by pixel",
        "3 of 3 test images are training or validation images as well, pixel by pixel; "
        "1 of them as another class",
    )


def test_images_that_are_nearly_empty_are_counted(data: Dataset) -> None:
    data.train.images_NSF[[0, 1, 11]] = 0
    data.train.images_NSF[[0, 1, 11], 0, 0] = (1, 160, 170)
    # The median is 16 * 104.5 = 1,672: a tenth of it lies between 160 and 170.
    assert overview(data).doubts[1] == (
        "2 of 12 training images nearly empty, with less than a tenth of the median image's ink: "
        "class 'a' (2)"
    )
