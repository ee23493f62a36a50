"""A small image as a `data:` address that contains it."""

import base64
import io

import numpy as np
from numpy.typing import NDArray


def image_address(image_SF: NDArray[np.uint8]) -> str:
    """An image with dark ink on white, as the pages show all others, as a ``data:`` address."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(255 - image_SF).save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
