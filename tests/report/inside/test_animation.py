import io
import itertools

import numpy as np
import pytest
from PIL import Image

from mnist_seq.report.inside.animation import reading_gif
from tests.report.inside.networks import ROWS, reading


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_animation_has_a_frame_for_each_row(count: int) -> None:
    with Image.open(io.BytesIO(reading_gif(reading(), range(count)))) as gif:
        assert getattr(gif, "n_frames", 1) == ROWS
        frames = []
        for frame in range(ROWS):
            gif.seek(frame)
            frames.append(np.asarray(gif.convert("RGB")))
    assert all((a != b).any() for a, b in itertools.pairwise(frames))


def test_paper_is_white_in_every_frame() -> None:
    with Image.open(io.BytesIO(reading_gif(reading(), [0, 1]))) as gif:
        for frame in range(ROWS):
            gif.seek(frame)
            assert gif.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
