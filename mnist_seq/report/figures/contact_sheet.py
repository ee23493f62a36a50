"""Some images of each class as small pictures."""

import base64
import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mnist_seq.data.dataset import Split


def contact_sheet(split: Split, classes: int, most: int) -> Iterator[list[str]]:
    """Pictures of at most so many images of each class, as addresses that hold the picture.

    Parameters
    ----------
    split : Split
        Where they are from: evenly spread over the images of a class.
    """
    order = np.argsort(split.labels_N, kind="stable")
    ends = np.cumsum(np.bincount(split.labels_N, minlength=classes))
    for of_class in np.split(order, ends[:-1]):
        count = min(most, len(of_class))
        chosen = of_class[np.arange(count) * len(of_class) // max(count, 1)]
        yield [_picture(image_SF) for image_SF in split.images_NSF[chosen]]


def _picture(image_SF: NDArray[np.uint8]) -> str:
    """An image with dark ink on white, as the pages show all others."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(255 - image_SF).save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
