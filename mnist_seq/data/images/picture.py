"""An image file as grey values: whatever its format, colours, depth, turn and transparency."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
MAX_PIXELS = 100_000_000
MAX_BYTES = 2**30
MIN_SIDE = 4
# A larger image is averaged down to this: a stroke that is lost then was hardly seen before.
WORKING_SIDE = 1024
WHITE, BLACK = 255, 0


class BadImageError(Exception):
    """A file cannot be used as an image; the message says why, to be put after its name."""


@dataclass(frozen=True)
class Picture:
    """Grey values of an image, upright, with their opacity.

    Attributes
    ----------
    grey_HW : uint8, shape (H, W)
        0 is black.
    opacity_HW : uint8, shape (H, W), or None
        255 is opaque; None where all is.
    """

    grey_HW: NDArray[np.uint8]
    opacity_HW: NDArray[np.uint8] | None = None

    def on(self, paper: int) -> NDArray[np.uint8]:
        """Grey values in front of paper of the given grey value; uint8, shape (H, W)."""
        if self.opacity_HW is None:
            return self.grey_HW
        share_HW = self.opacity_HW / np.float64(WHITE)
        flat_HW = paper + (self.grey_HW - np.float64(paper)) * share_HW
        return np.rint(flat_HW).astype(np.uint8)


@contextmanager
def quiet() -> Iterator[None]:
    """Context manager: no warnings of Pillow in any thread; what matters raises an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_picture(path: Path, side: int = WORKING_SIDE) -> Picture:
    """Read an image file; what is larger than `side` pixels is averaged down.

    Raises
    ------
    BadImageError
        If it is damaged, larger than `MAX_PIXELS`, animated, or no image of `FORMATS` at all.
    """
    try:
        # Given a path, Pillow 13 maps a plain TIFF into memory, and mistakes a turned one's sides.
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            _check(image)
            return _picture(image, side)
    except BadImageError:
        raise
    except UnidentifiedImageError:
        raise BadImageError("is no PNG, JPEG, TIFF, BMP or WebP image") from None
    except Image.DecompressionBombError:
        raise BadImageError(_TOO_LARGE) from None
    except OSError as error:
        reason = error.strerror or _first_line(error)
        raise BadImageError(f"cannot be read ({reason})") from None
    except Exception as error:  # of a file that is damaged Pillow's readers raise any
        raise BadImageError(f"cannot be read ({_first_line(error)})") from None


_TOO_LARGE = f"has more than {MAX_PIXELS // 10**6} million pixels"


def _check(image: Image.Image) -> None:
    """Refuse what the header alone shows not to be a single image of a usable size."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BadImageError(_TOO_LARGE)
    if min(width, height) < MIN_SIDE:
        raise BadImageError(
            f"has {width}\N{MULTIPLICATION SIGN}{height} pixels; there must be {MIN_SIDE} at least "
            "on each side"
        )
    frames = getattr(image, "n_frames", 1)
    # What a phone calls JPEG may be MPO: the picture, and a smaller one after it.
    if frames > 1 and image.format != "MPO":
        raise BadImageError(f"has {frames} frames; there must be one")


def _picture(image: Image.Image, side: int) -> Picture:
    image.draft("L", (side, side))  # a large JPEG is decoded to a smaller image
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = _in_bytes(image)
    if image.has_transparency_data:
        image = _smaller(image.convert("RGBA"), side)
        grey, opacity = image.convert("RGB").convert("L"), image.getchannel("A")
        return Picture(np.asarray(grey), np.asarray(opacity))
    if image.mode == "F":
        raise BadImageError("has fractions for pixels; save it with whole numbers")
    if image.mode not in {"1", "L"}:
        image = image.convert("RGB")
    return Picture(np.asarray(_smaller(image.convert("L"), side)))


def _in_bytes(image: Image.Image) -> Image.Image:
    """Convert an image of 16 bits a pixel to one of 8."""
    deep_HW = np.asarray(image).astype(np.int64)
    if deep_HW.min() < 0 or deep_HW.max() > 2**16 - 1:
        raise BadImageError("has more than 16 bits a pixel")
    return Image.fromarray(np.rint(deep_HW / 257).astype(np.uint8))


def _smaller(image: Image.Image, side: int) -> Image.Image:
    factor = -(-max(image.size) // side)
    return image.reduce(factor) if factor > 1 else image


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().partition("\n")[0]
