"""What a worker computes with, and which workers compute alike.

The same config and seed give the same curve on workers that have the same code of this project, the
same libraries and the same arithmetic. The last is tried: a tiny training ends in the same bits, or
it does not.
"""

import functools
import hashlib
import os
import platform
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from mnist_seq.config.settings import Config
from mnist_seq.config.validation import validate
from mnist_seq.data.dataset import Dataset, Scaling, Split
from mnist_seq.records import EpochRecord, TrainingState

PACKAGE = Path(__file__).parents[1]
CPUINFO = Path("/proc/cpuinfo")  # of Linux, where Python does not know the processor's name
LIBRARIES = ("keras", "numpy", "tensorflow", "tensorflow-cpu")
# A training of milliseconds with all that has an arithmetic of its own: products, sigmoids, Adam.
TINY = {
    "seed": 0,
    "data": {
        **dict.fromkeys(["train_file", "test_file"]),
        "source": "digits",
        "validation_fraction": 0.5,
        "validation_split": "tail",
        "split_seed": 0,
        "scaling": "unit",
    },
    "model": {
        "units": 16,
        "layers": 1,
        "bidirectional": False,
        "dropout": 0.0,
        "return_sequences": False,
        "readout": "last",
    },
    "training": {
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 0.01,
        "optimizer": "adam",
        "schedule": "constant",
        "clip_norm": None,
        "monitor": "validation_loss",
    },
}
# Each decides a curve. A processor does so by its arithmetic alone.
DECIDING = ("code", "libraries", "arithmetic")
EXPLAINING = ("processor", "xla_flags")


@dataclass(frozen=True)
class Fingerprint:
    """What a worker's results depend on: its code, libraries and processor.

    Attributes
    ----------
    host : str
        Name of its machine.
    code : str
        Digest of this project's modules, 8 hexadecimal digits.
    libraries : str
        Those that decide a curve, with their versions.
    processor : str
        Its name; two of another name may compute alike.
    xla_flags : str
        As XLA reads them from the environment.
    arithmetic : str
        Digest of the weights after a tiny training, 8 hexadecimal digits.
    """

    host: str
    code: str
    libraries: str
    processor: str
    xla_flags: str
    arithmetic: str

    def is_like(self, other: "Fingerprint") -> bool:
        """Whether both give the same curves."""
        return all(getattr(self, name) == getattr(other, name) for name in DECIDING)

    def differences(self, other: "Fingerprint") -> str:
        """What differs, as in ``libraries keras 3.14.0 instead of keras 3.15.0``."""
        return "; ".join(
            f"{name.replace('_', ' ')} {getattr(self, name)} instead of {getattr(other, name)}"
            for name in (*DECIDING, *EXPLAINING)
            if getattr(self, name) != getattr(other, name)
        )


def fingerprint(
    begin: Callable[[Config, Dataset], TrainingState],
    advance: Callable[[Config, Dataset, TrainingState], tuple[EpochRecord, TrainingState]],
) -> Fingerprint:
    """Train a tiny network in this process and return its fingerprint."""
    config, data = validate(Config, TINY), _tiny_data()
    _, state = advance(config, data, begin(config, data))
    digest = hashlib.blake2b(digest_size=4)
    for name, weights in sorted(state.weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(weights).tobytes())
    return Fingerprint(
        socket.gethostname(),
        code_digest(),
        ", ".join(f"{name} {found}" for name in LIBRARIES if (found := _version(name))),
        processor(),
        os.environ.get("XLA_FLAGS", "none").strip(),
        digest.hexdigest(),
    )


def most_common(fingerprints: Sequence[Fingerprint], code: str) -> Fingerprint | None:
    """The fingerprint that most workers with this code share; the first one at a tie.

    None where no worker has the code.
    """
    own = [each for each in fingerprints if each.code == code]
    alike = [sum(map(each.is_like, own)) for each in own]
    return own[alike.index(max(alike))] if own else None


@functools.cache
def code_digest() -> str:
    """Digest of this project's modules, wherever they are installed: 8 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=4)
    for module in sorted(PACKAGE.rglob("*.py")):
        name = module.relative_to(PACKAGE).as_posix()
        content = module.read_bytes()
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def processor() -> str:
    """CPU name; on Linux with family and model number, as different CPUs may share a name."""
    if not CPUINFO.exists():
        return platform.processor() or "unknown"
    first = CPUINFO.read_text().partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    parts = [fields[name] for name in ("model name", "cpu family", "model") if name in fields]
    return ", ".join(parts) or "unknown"


def _tiny_data() -> Dataset:
    random = np.random.default_rng(0)
    images_NSF = random.integers(0, 256, (64, 8, 8), np.uint8)
    labels_N = random.integers(0, 10, 64).astype(np.int32)
    zeros_SF = np.zeros((8, 8), np.float32)
    return Dataset(
        Split(images_NSF[:48], labels_N[:48]),
        Split(images_NSF[48:], labels_N[48:]),
        None,
        tuple("0123456789"),
        Scaling(zeros_SF, zeros_SF + 255),
        digest="fingerprint",
        part_digests={},
    )


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
