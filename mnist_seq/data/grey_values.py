"""Find the range of a source's grey values in its training images, and hold all others to it."""

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.dataset import RawSplit, Source
from mnist_seq.errors import DataError

RANGES = (1.0, 16.0, 255.0)
# What is above the range by less than this is rounded to its end.
TOLERANCE = 255.4 / 255
# Test images whose largest value is below this share of the training images' have another range.
SMALLEST_SHARE = 0.1


def pixel_max(source: Source, train: RawSplit, config: DataConfig) -> tuple[float, str]:
    """Grey value that stands for full ink, and a remark if no training image comes near it.

    Where ``data.pixel_max`` is auto, it is 1, 16 or 255: the first that no training image exceeds.
    Validation and test images have no say in it.

    Raises
    ------
    DataError
        If an image has a higher grey value, or the test images clearly have another range.
    """
    largest, remark = train.largest, ""
    test_name = config.test_file or source.name
    if config.pixel_max is not None:
        found = config.pixel_max
    else:
        found = next((end for end in RANGES if 0 < largest <= end * TOLERANCE), RANGES[-1])
        if 0 < source.test.largest < SMALLEST_SHARE * largest:
            raise DataError(
                f"{test_name}: has grey values up to {source.test.largest:g}, but {source.name} "
                f"up to {largest:g}; if both mean the same, say so with data.pixel_max={found:g}"
            )
        if 0 < largest < found / 2:
            remark = (
                f"{source.name}: the largest grey value of the training images is {largest:g} of "
                f"{found:g}; data.pixel_max={largest:g} takes it for full ink"
            )
    _check_highest(source.name, source.pool, found, config)
    _check_highest(test_name, source.test, found, config)
    return found, remark


def _check_highest(name: str, split: RawSplit, highest: float, config: DataConfig) -> None:
    if split.largest <= highest * TOLERANCE:
        return
    values_N = split.images_NSF.max(axis=(1, 2))
    image = int((values_N > highest * TOLERANCE).argmax())
    limit = (
        f"above the training images' range of 0 to {highest:g}; data.pixel_max=... sets one for all"
        if config.pixel_max is None
        else f"above data.pixel_max={highest:g}"
    )
    raise DataError(f"{name}: image {image + 1} has the grey value {values_N[image]:g}, {limit}")
