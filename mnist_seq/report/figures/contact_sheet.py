"""Some images of each class as small pictures."""

from collections.abc import Iterator

import numpy as np

from mnist_seq.data.dataset import Split
from mnist_seq.report.figures.image_address import image_address


def contact_sheet(split: Split, classes: int, most: int) -> Iterator[list[str]]:
    """Up to `most` images of each class, as addresses that contain the image data.

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
        yield [image_address(image_SF) for image_SF in split.images_NSF[chosen]]
