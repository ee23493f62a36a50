"""How a data source writes an image's pixels, and the conversion to 0 to 255 and back.

Shapes: N images, S steps (rows, read from the top), F features (pixels of a row).
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# uint8 where a source has whole numbers only.
Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]
WHITEST = 255


@dataclass(frozen=True)
class PixelFormat:
    """Range, number type and orientation of the images of a data source.

    Attributes
    ----------
    pixel_max : float
        The number that stands for 255; 0 stands for 0.
    has_fractions : bool
        Whether some numbers are not whole.
    is_transposed : bool
        Whether images are written column by column.
    """

    pixel_max: float = WHITEST
    has_fractions: bool = False
    is_transposed: bool = False

    @property
    def description(self) -> str:
        """What it is, for a user to check."""
        turned = ", columns are taken for rows" if self.is_transposed else ""
        return f"{self.pixel_max:g} is full ink{turned}"

    @property
    def factor(self) -> float:
        """What a number is multiplied by before it is rounded to 0 to 255."""
        return WHITEST / self.pixel_max

    @property
    def is_bytes(self) -> bool:
        """Whether the numbers are 0 to 255 already."""
        return self.pixel_max == WHITEST and not self.has_fractions

    def images(self, pixels_NSF: Pixels) -> NDArray[np.uint8]:
        """Convert a source's numbers to images, in float32 as a saved model does."""
        if not self.is_bytes:
            scaled_NSF = np.multiply(pixels_NSF, np.float32(self.factor), dtype=np.float32)
            pixels_NSF = np.rint(scaled_NSF, out=scaled_NSF)
        images_NSF = pixels_NSF.astype(np.uint8, copy=False)
        return np.ascontiguousarray(images_NSF.swapaxes(1, 2)) if self.is_transposed else images_NSF

    def pixels(self, images_NSF: NDArray[np.uint8]) -> Pixels:
        """Convert images to the numbers that their source holds; the inverse of `images`."""
        pixels_NSF = images_NSF.swapaxes(1, 2) if self.is_transposed else images_NSF
        if self.is_bytes:
            return pixels_NSF
        scaled_NSF = np.multiply(pixels_NSF, np.float32(1 / self.factor), dtype=np.float32)
        return scaled_NSF if self.has_fractions else np.rint(scaled_NSF, out=scaled_NSF)


BYTES = PixelFormat()
