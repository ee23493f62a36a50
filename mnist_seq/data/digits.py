"""scikit-learn's 1,797 small digits: 8 rows of 8 pixels, for a first try in seconds."""

import os

import numpy as np

from mnist_seq.data.dataset import Source, Split
from mnist_seq.data.validation_split import stratified

TEST_FRACTION = 0.2
DARKEST = 16  # a pixel counts the dark points in a field of 4 by 4


def read_digits() -> Source:
    """Load scikit-learn's digits: 1,437 to train on and 360 to test, always the same ones."""
    # scikit-learn's joblib warns where the system has no semaphores; nothing here needs them.
    os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")
    from sklearn.datasets import load_digits

    digits = load_digits()
    images_NSF = np.rint(digits.images * (255 / DARKEST)).astype(np.uint8)
    everything = Split(images_NSF, digits.target.astype(np.int32))
    pool, test = stratified(everything.labels_N, TEST_FRACTION, seed=0)
    return Source(
        name="digits",
        pool=everything.take(pool),
        test=everything.take(test),
        class_names=tuple("0123456789"),
    )
