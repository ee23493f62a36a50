"""What a network has made of a drawing.

Shapes: S rows and F pixels of a row, K classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ReadDrawing:
    """A drawing as the network sees it, and what it believes.

    Attributes
    ----------
    image_SF : uint8, shape (S, F)
        255 is full ink.
    beliefs_SK : float, shape (S, K)
        Probabilities of the classes after each row.
    """

    image_SF: NDArray[np.uint8]
    beliefs_SK: NDArray[np.float32]
