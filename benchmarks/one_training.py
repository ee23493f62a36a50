"""How long does an epoch take, against the other ways to train the same network?

    pip install -r benchmarks/requirements.txt     # PyTorch; without it, its columns are left out
    python -m benchmarks.one_training

Every way is a process of its own that has loaded its library; in each round they train one after
the other while the rest wait. This project trains on one core, as a worker of a sweep does. Keras'
`fit` with its defaults, and with ``steps_per_execution`` and ``jit_compile``, use all cores;
PyTorch's ``nn.LSTM`` is measured with all and with one. An epoch counts with its validation; the
first one, which compiles, does not count. The original network trains on all 54,000 images and
validates on 6,000; the other shapes on a part. Printed are medians: this project's seconds for
54,000 images, and how many times as long the others take; last, one core that computes the matrix
products alone (``benchmarks/ways/products.py``).
"""

import argparse
import dataclasses
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.ways.shape import SHAPES, Shape

ROOT = Path(__file__).resolve().parent.parent
ALL_IMAGES = 54_000
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)
# Module, arguments, and whether it is kept on one core.
WAYS = {
    "ours": (["ours"], True),
    "fit": (["keras_fit"], False),
    "fit tuned": (["keras_fit", "tuned"], False),
    "PyTorch": (["pytorch"], False),
    "on 1 core": (["pytorch"], True),
    "products": (["products"], True),
}


class Way:
    """A running process that trains what it is told to."""

    def __init__(self, words: list[str], is_on_one_core: bool) -> None:
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
        self._module = f"benchmarks.ways.{words[0]}"
        core = {max(os.sched_getaffinity(0))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, *words[1:]],
            cwd=ROOT,
            env=os.environ | quiet | (ONE_THREAD if is_on_one_core else {}),
            preexec_fn=partial(os.sched_setaffinity, 0, core) if is_on_one_core else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def seconds(self, shape: Shape, images: int, epochs: int) -> list[float]:
        """Seconds of each epoch."""
        asked = {"shape": dataclasses.asdict(shape), "images": images, "epochs": epochs}
        assert self._process.stdin is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        seconds: list[float] = self._answer()
        return seconds

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()

    def _answer(self) -> list[float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"python -m {self._module} ended: run it by itself to see why")
        answer: list[float] = json.loads(line)
        return answer


def main() -> None:
    """Print the table, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="each way trains so many times")
    parser.add_argument("--epochs", type=int, default=2, help="counted each time")
    parser.add_argument("--images", type=int, default=9_000, help="of all but the first shape")
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="only the first so many")
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=list(WAYS), help="beside this project's own"
    )
    arguments = parser.parse_args()

    ways = {
        name: Way(*how)
        for name, how in WAYS.items()
        if name in {"ours", *arguments.ways}
        and (how[0] != ["pytorch"] or importlib.util.find_spec("torch"))
    }
    others = [name for name in ways if name != "ours"]
    print(f"{'':40} {'ours, s':>8}", *(f"{name:>10}" for name in others))
    for shape in SHAPES[: arguments.shapes]:
        images = ALL_IMAGES if shape == SHAPES[0] else arguments.images
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, way in ways.items():
                seconds[name] += way.seconds(shape, images, arguments.epochs)
        median = {name: statistics.median(found) for name, found in seconds.items()}
        print(
            f"{shape!s:40} {median['ours'] * ALL_IMAGES / images:8.2f}",
            *(f"{median[name] / median['ours']:9.2f}x" for name in others),
            flush=True,
        )
    for way in ways.values():
        way.close()


if __name__ == "__main__":
    main()
