"""Pictures of a letter, and folders of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_seq.config.settings import DataConfig
from tests.data.conftest import MakeConfig

PAPER, INK = 230, 20


def letter(height: int = 40, width: int = 60, shift: int = 0) -> NDArray[np.uint8]:
    """A dark L on light paper: a bar of 4 by 20 pixels and a foot of 12 by 4."""
    grey_HW = np.full((height, width), PAPER, np.uint8)
    grey_HW[8:28, 10 + shift : 14 + shift] = INK
    grey_HW[24:28, 10 + shift : 22 + shift] = INK
    return grey_HW


def save(path: Path, grey_HW: NDArray[np.uint8], **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grey_HW).save(path, **options)
    return path


def letters(folder: Path, **counts: int) -> Path:
    """A folder of so many images a class, each of its own."""
    for place, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for n in range(count):
            grey_HW = letter(shift=n)
            grey_HW[8:12, 10 : 14 + 2 * n + place] = INK
            save(folder / name / f"{n:02}.png", grey_HW)
    return folder


@pytest.fixture
def images(config: MakeConfig) -> MakeConfig:
    """Settings of ``data=images``."""

    def make(folder: Path, **changes: Any) -> DataConfig:
        return config(source="images", folder=str(folder), **changes)

    return make
