"""The systems that are compared, as processes: how each is started, and what it is heard to say.

All are timed alike, from outside: every line that a process prints is noted when it arrives. This
project is the command that its users type, as it is, with MLflow and the report; its lines are
those of its log. A peer is a program in ``benchmarks/peers``.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.validation import validate
from mnist_seq.data.dataset import RawSplit
from mnist_seq.data.mnist import read_mnist

ROOT = Path(__file__).resolve().parent.parent
OURS = "mnist-seq"
PEERS = {
    "Optuna + fit": "optuna_fit",
    "KerasTuner": "keras_tuner_search",
    "Ray Tune": "ray_tune",
}
SECONDS_TO_LEAVE = 30.0
OUR_LINE = re.compile(
    r"^\S+  trial \d+: (?:(?P<started>starts)|(?P<ended>complete|pruned)|(?P<failed>failed)"
    r"|epoch \d+/\d+: .*validation \S+ (?P<accuracy>[\d.]+) %)"
)


@dataclass(frozen=True)
class Event:
    """Something that a process said, or that it ended.

    Attributes
    ----------
    seconds : float
        Since it was started: interpreter, imports and all.
    kind : str
        Of a training: started, epoch, ended, failed. Of the process: left.
    accuracy : float or None
        Validation accuracy of an epoch, in [0, 1], to four digits: so many does our log print, and
        Keras counts in float32, where 5,928 of 6,000 is a little less than 0.988.
    """

    seconds: float
    kind: Literal["started", "epoch", "ended", "failed", "left"]
    accuracy: float | None = None


class SystemFailedError(Exception):
    """A process ended with an error; the message is the end of what it wrote to stderr."""


def leave_in_order() -> None:
    """Let SIGTERM end this process as Ctrl-C does: the one that it listens to is stopped too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def our_command(folder: Path, overrides: Sequence[str]) -> list[str]:
    """The command of this project, with a tracking folder of its own."""
    tracking = f"tracking.folder={folder / 'mlruns'}"
    return [sys.executable, "-m", "experiments.sweep", tracking, *overrides]


def peer_command(peer: str, data: Sequence[str], **job: Any) -> list[str]:
    """A peer's program, with its job; `data` are overrides as for this project."""
    config = validate(SweepConfig, compose("sweep", SweepConfig, data)).data.model_dump()
    program = f"benchmarks.peers.{PEERS[peer]}"
    return [sys.executable, "-m", program, json.dumps({"data": config, **job})]


def data_overrides(folder: Path, images: int | None, held_out: float = 0.1) -> list[str]:
    """Settings for MNIST, or for a CSV file with the first of its images.

    Parameters
    ----------
    images : int or None
        How many are trained on. None: all 54,000.
    held_out : float
        Share of all of the images that is for validation.
    """
    if images is None:
        return []
    source = read_mnist()
    pool = source.pool.take(slice(int(images / (1 - held_out))))
    files = {"train": pool, "test": source.test}
    for name, part in files.items():
        _write_csv(folder / f"{name}.csv", part.take(slice(images)) if name == "test" else part)
    return [
        "data=csv",
        *(f"data.{name}_file={folder / name}.csv" for name in files),
        f"data.validation_fraction={held_out}",
    ]


def _write_csv(path: Path, part: RawSplit) -> None:
    rows = np.column_stack([part.labels_N, part.images_NSF.reshape(len(part), -1)])
    np.savetxt(path, rows, fmt="%d", delimiter=",")


def listen(command: Sequence[str], limit: float | None = None) -> Generator[Event, None, None]:
    """What a process says, as it says it; the process is stopped when nobody listens any more.

    Parameters
    ----------
    limit : float, optional
        Seconds after which it is stopped; there is no event `left` then.

    Raises
    ------
    SystemFailedError
        If it ends with an error.
    """
    with tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        late = threading.Event()

        def stop_late() -> None:
            late.set()
            _stop(process)

        timer = threading.Timer(limit if limit is not None else threading.TIMEOUT_MAX, stop_late)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                event = _heard(line, time.perf_counter() - began)
                if event is not None:
                    yield event
            code = process.wait()
            if late.is_set():
                return
            if code != 0:
                errors.seek(0)
                raise SystemFailedError(_last_words(errors.read(), code))
            yield Event(time.perf_counter() - began, "left")
        finally:
            timer.cancel()
            _stop(process)


def _heard(line: str, seconds: float) -> Event | None:
    match line.split():
        case ["@", "epoch", accuracy]:
            return Event(seconds, "epoch", round(float(accuracy), 4))
        case ["@", ("started" | "ended" | "failed") as kind]:
            return Event(seconds, kind)
    ours = OUR_LINE.match(line)
    if ours is None:
        return None
    if ours["accuracy"]:
        return Event(seconds, "epoch", round(float(ours["accuracy"]) / 100, 4))
    return Event(seconds, "started" if ours["started"] else "ended" if ours["ended"] else "failed")


def _environment() -> dict[str, str]:
    # Where each system's own processes import the benchmarks from, and no words at start.
    return os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}


def _stop(process: subprocess.Popen[str]) -> None:
    """End a process in good order, or else it and all that it started at once."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_LEAVE)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(errors: str, code: int) -> str:
    lines = [line for line in errors.splitlines() if line.strip()]
    return f"exit code {code}: {lines[-1][:300] if lines else 'no words'}"
