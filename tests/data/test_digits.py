import numpy as np
from sklearn.datasets import load_digits

from mnist_seq.data.digits import read_digits


def test_a_fifth_is_for_testing_and_every_digit_is_in_it() -> None:
    source = read_digits()
    assert (len(source.pool), len(source.test)) == (1437, 360)
    # scikit-learn has 174 to 183 images of each digit: a fifth is 34 to 37.
    assert set(np.bincount(source.test.labels_N)) <= {34, 35, 36, 37}


def test_which_images_are_for_testing_never_changes() -> None:
    np.testing.assert_array_equal(read_digits().test.images_NSF, read_digits().test.images_NSF)


def test_all_images_are_there_once_and_darkness_0_to_16_became_0_to_255() -> None:
    source = read_digits()
    images_NSF = np.concatenate([source.pool.images_NSF, source.test.images_NSF])
    assert images_NSF.dtype == np.uint8
    assert (images_NSF.min(), images_NSF.max()) == (0, 255)
    original_NSF = load_digits().images
    back_NSF = np.rint(images_NSF * (16 / 255))
    assert sorted(map(bytes, back_NSF.astype(np.uint8))) == sorted(
        map(bytes, original_NSF.astype(np.uint8))
    )


def test_half_dark_is_128() -> None:
    source = read_digits()
    assert 128 in source.pool.images_NSF  # 8 of 16: 127.5, rounded to even
    assert 127 not in source.pool.images_NSF
