import statistics
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.mnist import read_mnist
from mnist_seq.data.scaling import SCALINGS, minmax, standard, unit


def some_images() -> NDArray[np.uint8]:
    """Random ones, with pixels that never change (0, 255, 9) and one that does so once in 5000."""
    images_NSF = np.random.default_rng(0).integers(0, 256, (5000, 4, 4)).astype(np.uint8)
    images_NSF[:, 0, :3] = [0, 255, 9]
    images_NSF[:, 0, 3] = 0
    images_NSF[77, 0, 3] = 1
    return images_NSF


def test_every_scaling_that_a_config_may_name_is_there() -> None:
    assert set(SCALINGS) == set(get_args(DataConfig.model_fields["scaling"].annotation))


@pytest.mark.parametrize(
    ("fit", "scaler"), [(minmax, MinMaxScaler()), (standard, StandardScaler())]
)
@pytest.mark.parametrize("images", ["random", "mnist"])
def test_the_scaled_pixels_are_scikit_learns(fit: object, scaler: object, images: str) -> None:
    train_NSF = some_images() if images == "random" else read_mnist().pool.images_NSF[:20_000]
    # Pixels that the fit never saw, also where pixels never changed.
    other_NSF = np.random.default_rng(1).integers(0, 256, (300, *train_NSF.shape[1:]))
    scaling = fit(train_NSF)  # type: ignore[operator]
    ours_NSF = (other_NSF.astype(np.float32) - scaling.offset_SF) / scaling.scale_SF
    scaler.fit(train_NSF.reshape(len(train_NSF), -1))  # type: ignore[attr-defined]
    theirs_NP = scaler.transform(other_NSF.reshape(300, -1))  # type: ignore[attr-defined]
    assert ours_NSF.dtype == np.float32
    # 1e-6 is 8 steps of float32: offset, scale, difference and quotient are each rounded once.
    np.testing.assert_allclose(ours_NSF.reshape(300, -1), theirs_NP, rtol=1e-6, atol=1e-6)


def test_unit_divides_by_255() -> None:
    scaling = unit(some_images())
    assert np.unique(scaling.offset_SF).tolist() == [0]
    assert np.unique(scaling.scale_SF).tolist() == [255]


def test_the_standard_scaling_of_two_pixels_by_hand() -> None:
    images_NSF = np.array([[[2, 7]], [[4, 7]], [[4, 7]], [[4, 7]], [[5, 7]], [[5, 7]]], np.uint8)
    scaling = standard(images_NSF)  # mean 24 / 6; squared distances 4, 0, 0, 0, 1, 1
    assert scaling.offset_SF.tolist() == [[4, 7]]
    assert scaling.scale_SF.tolist() == [[1, 1]]


@pytest.mark.parametrize("fit", SCALINGS.values())
def test_numbers_are_float32_and_one_for_each_pixel(fit: object) -> None:
    scaling = fit(some_images())  # type: ignore[operator]
    for numbers_SF in (scaling.offset_SF, scaling.scale_SF):
        assert numbers_SF.dtype == np.float32
        assert numbers_SF.shape == (4, 4)
    assert (scaling.scale_SF > 0).all()


def test_the_standard_scaling_is_exact_up_to_its_rounding_to_float32() -> None:
    images_NSF = some_images()
    scaling = standard(images_NSF)
    for row_and_column in ((0, 3), (1, 1), (3, 2)):
        pixels = images_NSF[:, *row_and_column].tolist()  # statistics calculates with fractions
        assert scaling.offset_SF[row_and_column] == np.float32(statistics.fmean(pixels))
        assert scaling.scale_SF[row_and_column] == np.float32(statistics.pstdev(pixels))
