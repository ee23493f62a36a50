"""Random elastic changes of images: every part of a stroke is moved a little, neighbours alike.

Shape suffixes: N images, D displacement fields, S steps (rows), F features (pixels of a row),
P pixels of an image (S F).
"""

import numpy as np
from numpy.typing import NDArray

# Images of an epoch share so many fields: each is moved along with some two hundred others, and
# anew in the next epoch. A field of its own for each image would take many times as long.
FIELDS = 256
SMOOTHNESS = 4.0  # pixels; neighbours within about this distance move together


def elastic(
    images_NSF: NDArray[np.uint8], displacement: float, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Images whose pixels come from somewhere near by, uint8, shape (N, S, F).

    What comes from beyond an edge is the nearest pixel of the image.

    Parameters
    ----------
    images_NSF : uint8, shape (N, S, F)
        They stay as they are.
    displacement : float
        Standard deviation of how far a pixel is moved in each direction, in pixels.
    random : numpy.random.Generator
        Draws the fields, and which image is moved by which.

    References
    ----------
    Simard, Steinkraus & Platt, "Best Practices for Convolutional Neural Networks Applied to Visual
    Document Analysis", ICDAR 2003, section 2.
    """
    count, steps, features = images_NSF.shape
    fields_D2SF = displacement * _smooth_fields(min(FIELDS, count), steps, features, random)
    flat_NP = images_NSF.reshape(count, -1)
    changed_NP = np.empty_like(flat_NP)
    groups = np.array_split(random.permutation(count), len(fields_D2SF))
    for places, field_2SF in zip(groups, fields_D2SF, strict=True):
        changed_NP[places] = _moved(flat_NP[places], field_2SF)
    return changed_NP.reshape(images_NSF.shape)


def _smooth_fields(
    count: int, steps: int, features: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Draw smooth fields of standard deviation 1, shape (D, 2, S, F): down, and to the right."""
    noise_D2SF = random.standard_normal((count, 2, steps, features), np.float32)
    # Not as matrix products, whose last digits may depend on the number of threads.
    down_D2SF = np.einsum("ij,dcjk->dcik", _gaussian(steps), noise_D2SF)
    return np.asarray(np.einsum("ij,dckj->dcki", _gaussian(features), down_D2SF))


def _gaussian(size: int) -> NDArray[np.float32]:
    """Gaussian weights (size, size), whose squares sum to 1 in each row: it keeps the variance."""
    away = np.subtract.outer(np.arange(size), np.arange(size)) / SMOOTHNESS
    weights = np.exp(-(away**2) / 2)
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return np.asarray(weights, np.float32)


def _moved(images_NP: NDArray[np.uint8], field_2SF: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Read images [N, P] at the places that a field says, between pixels bilinearly."""
    steps, features = field_2SF.shape[1:]
    row_SF, column_SF = np.indices((steps, features), np.float32) + field_2SF
    row_SF, column_SF = row_SF.clip(0, steps - 1), column_SF.clip(0, features - 1)
    top_SF = np.minimum(row_SF.astype(np.intp), max(steps - 2, 0))
    left_SF = np.minimum(column_SF.astype(np.intp), max(features - 2, 0))
    down_SF, right_SF = row_SF - top_SF, column_SF - left_SF
    sum_NP = np.full(images_NP.shape, 0.5, np.float32)  # rounded when it is cut off
    for down, row_share in ((0, 1 - down_SF), (1, down_SF)):
        for right, column_share in ((0, 1 - right_SF), (1, right_SF)):
            row = np.minimum(top_SF + down, steps - 1)
            column = np.minimum(left_SF + right, features - 1)
            share_P = np.float32(row_share * column_share).ravel()
            sum_NP += share_P * images_NP[:, (row * features + column).ravel()]
    return sum_NP.astype(np.uint8)
