"""Random changes of each image: shift, rotation, scale, slant and elastic distortion.

Shape suffixes: N images, S steps (rows), F features (pixels of a row).
"""

import keras
import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.settings import Augmentation
from mnist_seq.network.elastic import elastic


def augmented(
    images_NSF: NDArray[np.uint8], config: Augmentation, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Images with random affine and elastic changes, uint8, shape (N, S, F).

    What a change uncovers is filled with the nearest pixel of the image.

    Parameters
    ----------
    images_NSF : uint8, shape (N, S, F)
        They stay as they are.
    config : Augmentation
        The largest affine changes; what is drawn is uniform between them and their opposites. The
        elastic ones' standard deviation.
    random : numpy.random.Generator
        Draws seven numbers for each image, whatever is switched on: one change more leaves the
        others as they were.
    """
    draws_N7 = random.uniform(-1, 1, (len(images_NSF), 7))
    if config.shift or config.rotation or config.scale or config.shear:
        changed = keras.ops.image.affine_transform(
            images_NSF[..., None],
            _transforms(config, images_NSF.shape[1:], draws_N7),
            interpolation="bilinear",
            fill_mode="nearest",
        )
        images_NSF = np.asarray(changed)[..., 0]
    return elastic(images_NSF, config.elastic, random) if config.elastic else images_NSF


def _transforms(
    config: Augmentation, shape: tuple[int, ...], draws_N7: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return, for each image, where a pixel of the result comes from, as Keras takes it.

    A place (x, y) of the result shows what was at (a x + b y + c, d x + e y + f): a row has
    a, b, c, d, e, f, 0, 0. Turns, scales and slants leave the middle of the image where it is.
    """
    turn, wide, high, slant_x, slant_y, right, down = draws_N7.T
    angle = np.radians(config.rotation) * turn
    shear = np.tan(np.radians(config.shear))
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    one = np.ones_like(turn)
    slanted = np.array([[one, shear * slant_x], [shear * slant_y, one]])
    scaled = np.array([1 + config.scale * wide, 1 + config.scale * high])
    # From the result to its origin: each change undone.
    origin_22N = np.einsum("ijN,jkN,kN->ikN", turned, slanted, 1 / scaled)
    middle = (np.array(shape[::-1]) - 1) / 2
    shifted = middle[:, None] + config.shift * np.array([right, down])
    offset_2N = middle[:, None] - np.einsum("ijN,jN->iN", origin_22N, shifted)
    (a, b), (d, e) = origin_22N
    zero = np.zeros_like(a)
    rows = [a, b, offset_2N[0], d, e, offset_2N[1], zero, zero]
    return np.stack(rows, axis=1).astype(np.float32)
