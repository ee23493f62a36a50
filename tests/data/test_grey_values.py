import numpy as np
import pytest

from mnist_seq.data.dataset import RawSplit, Source
from mnist_seq.data.grey_values import pixel_max
from mnist_seq.errors import DataError
from tests.data.conftest import MakeConfig


def split(*values: float) -> RawSplit:
    """An image of one pixel for each value."""
    images_NSF = np.array(values, np.float32).reshape(-1, 1, 1)
    return RawSplit(images_NSF, np.zeros(len(values), np.int32))


def found(
    config: MakeConfig,
    train: list[float],
    *,
    validation: list[float] | None = None,
    test: list[float] | None = None,
    **settings: object,
) -> tuple[float, str]:
    pool = split(*train, *(validation or []))
    source = Source("train.csv", pool, split(*(train if test is None else test)), ("a", "b"))
    files = {"source": "csv", "train_file": "train.csv", "test_file": "test.csv"}
    return pixel_max(source, split(*train), config(**files, **settings))


@pytest.mark.parametrize(
    ("train", "highest"),
    [
        ([0, 1], 1),  # two colours
        ([0, 0.25, 1], 1),
        ([0, 0.6], 1),
        ([0.5, 1.0000001], 1),
        ([0, 2], 16),
        ([0, 15], 16),
        ([3.5, 16], 16),
        ([0, 17], 255),
        ([0, 254.5], 255),
        ([0, 0], 255),
    ],
)
def test_the_range_is_the_first_that_no_training_image_exceeds(
    train: list[float], highest: float, config: MakeConfig
) -> None:
    assert found(config, train)[0] == highest


def test_a_setting_replaces_what_the_images_say(config: MakeConfig) -> None:
    assert found(config, [0, 90], pixel_max=100.0) == (100, "")
    assert found(config, [0, 255], test=[0, 1], pixel_max=255.0) == (255, "")


@pytest.mark.parametrize(("largest", "is_faint"), [(127, True), (128, False), (100, True)])
def test_images_without_full_ink_are_remarked_on(
    largest: float, is_faint: bool, config: MakeConfig
) -> None:
    remark = found(config, [0, largest])[1]
    assert remark == (
        f"train.csv: the largest grey value of the training images is {largest} of 255; "
        f"data.pixel_max={largest} takes it for full ink"
        if is_faint
        else ""
    )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            {"train": [0, 16], "validation": [3, 200]},
            "train.csv: image 4 has the grey value 200, above the training images' range of "
            "0 to 16; data.pixel_max=... sets one for all",
        ),
        (
            {"train": [0, 0.5], "test": [0, 255]},
            "test.csv: image 2 has the grey value 255, above the training images' range of "
            "0 to 1; data.pixel_max=... sets one for all",
        ),
        (
            {"train": [0, 200.5], "pixel_max": 100.0},
            "train.csv: image 2 has the grey value 200.5, above data.pixel_max=100",
        ),
        (
            {"train": [0, 255], "test": [0, 0.5, 1]},
            "test.csv: has grey values up to 1, but train.csv up to 255; if both mean the same, "
            "say so with data.pixel_max=255",
        ),
        (
            {"train": [0, 16], "test": [1, 0]},
            "test.csv: has grey values up to 1, but train.csv up to 16; if both mean the same, "
            "say so with data.pixel_max=16",
        ),
    ],
)
def test_images_of_another_range_are_refused(
    images: dict[str, object], message: str, config: MakeConfig
) -> None:
    with pytest.raises(DataError) as error:
        found(config, **images)  # type: ignore[arg-type]
    assert str(error.value) == message
