"""How many characters of a page are found, and how many images are read in a second?

    taskset -c 0 python -m benchmarks.reading

Pages of 61 of MNIST's test digits each are laid out as the tests do: tilted, in a shadow, with
noise and specks, dark on light and light on dark. From row to row the digits are nearer to
each other; in the last ones they touch. Then files of one digit each are read by the original
network, untrained, as ``python -m experiments.predict`` reads them, twice: first, TensorFlow
traces the network. Seconds are the processor's, so that other programs do not count.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import TrainConfig
from mnist_seq.config.validation import validate
from mnist_seq.data.images.reading import form_files
from mnist_seq.data.mnist import read_mnist
from mnist_seq.network.inspection import BATCH_SIZE, probabilities
from mnist_seq.network.model import build
from tests.data.page.layouts import found_on, in_order, page

PITCHES = (52, 48, 44, 40, 36)  # pixels; a digit is up to 40 wide
PAGES, DIGITS = 10, 61
TILTS = (-3.0, 0.0, 3.0)
IMAGES = 1000


def main() -> None:
    """Print both."""
    print("distance  laid out  found in order  found  cut  lines as laid out")
    for pitch in PITCHES:
        _find(pitch)
    _read()


def _find(pitch: int) -> None:
    right = found = cut = same = 0
    for number in range(2 * PAGES):
        layout = page(
            first=number // 2 * DIGITS,
            tilt=TILTS[number % len(TILTS)],
            is_light=bool(number % 2),
            shadow=0.5,
            noise=8,
            specks=40,
            pitch=pitch,
        )
        scan, lines = found_on(layout)
        characters = [each for line in lines for each in line]
        right += in_order(layout, scan, lines)
        found += len(characters)
        cut += sum(each.is_cut for each in characters)
        same += [len(line) for line in lines] == [
            len(line.replace(" ", "")) for line in layout.text.splitlines()
        ]
    laid_out = 2 * PAGES * DIGITS
    share = f"{right:6,} ({100 * right / laid_out:.1f} %)"
    print(f"{pitch:8}  {laid_out:8,}  {share}  {found:5,}  {cut:3}  {same} of {2 * PAGES} pages")


def _read() -> None:
    model = validate(TrainConfig, compose("train", TrainConfig, [])).model
    zeros_SF = np.zeros((28, 28), np.float32)
    network = build(model, zeros_SF, zeros_SF + 1, 10).model
    images_NSF = read_mnist().test.images_NSF[:IMAGES]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{n}.png") for n in range(IMAGES)]
        for file, image_SF in zip(files, images_NSF, strict=True):
            Image.fromarray(255 - np.kron(image_SF, np.ones((3, 3), np.uint8))).save(file)
        for name in ("first", "second"):
            begun = time.process_time()
            formed = [each.image_SF for each in form_files(files, 28, "auto")]
            read = time.process_time()
            images = np.stack([each for each in formed if each is not None])
            probabilities(network, images, BATCH_SIZE)
            ended = time.process_time()
            print(
                f"{name} time: files into the form {IMAGES / (read - begun):,.0f} a second, "
                f"predictions {IMAGES / (ended - read):,.0f} a second"
            )


if __name__ == "__main__":
    main()
