"""Does memory stay where it is?

    python -m benchmarks.memory
    python -m benchmarks.memory --shapes one

A sweep of many short trials on the digits, run as a user runs it on two workers, and looked at from
outside: the resident memory of each worker (with what it shares with the process that it was forked
from) and of the driver, every ten trials. Trials of 40 shapes make each worker compile more
programs than one process is left with; with one shape nothing is compiled after the first trial,
and whatever grows then grows with every trial. The last line holds the most that a worker ever
held, against the larger one after ten trials.
"""

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import psutil

ROOT = Path(__file__).resolve().parent.parent
TRIALS_BETWEEN_LOOKS = 10
ENDED = re.compile(r"trial \d+: (complete|pruned|failed)")
SPACES: dict[str, dict[str, Sequence[int | str]]] = {
    "one": {"model.units": [16], "model.readout": ["mean"], "training.batch_size": [128]},
    "many": {
        "model.units": [8, 16, 24, 32],
        "model.readout": ["each_step", "mean", "max", "flatten", "attention"],
        "training.batch_size": [64, 128],
    },
}


def command(trials: int, shapes: Literal["one", "many"], folder: str) -> list[str]:
    """A sweep whose trials differ in their learning rate and, if there are many, their shape."""
    space = "".join(
        f"{path}:{{choices:[{','.join(map(str, options))}]}},"
        for path, options in SPACES[shapes].items()
    )
    return [
        *(sys.executable, "-m", "experiments.sweep", "data=digits", f"tracking.folder={folder}"),
        *(
            "workers.count=2",
            "training.epochs=2",
            "model.return_sequences=true",
            "model.readout=mean",
        ),
        *("search.baselines=[]", "search.sampler=random", "search.pruner=none"),
        *("~search.space.model", "~search.space.training", f"search.trials={trials}"),
        f"+search.space={{{space}training.learning_rate:{{low:0.001,high:0.01}}}}",
    ]


def looks(
    trials: int, shapes: Literal["one", "many"]
) -> Iterator[tuple[int, dict[int, float], float]]:
    """Trials done; MiB of each worker, by process; MiB of the driver."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            command(trials, shapes, folder),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        driver = psutil.Process(process.pid)
        assert process.stdout is not None
        done, printed = 0, []
        for line in process.stdout:
            printed.append(line)
            if not ENDED.search(line):
                continue
            done += 1
            if done % TRIALS_BETWEEN_LOOKS == 0:
                yield done, _workers(driver), _mib(driver)
        if process.wait() != 0 or done != trials:
            raise SystemExit("".join(printed))


def _workers(driver: psutil.Process) -> dict[int, float]:
    held = {}
    for child in driver.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # one that is just being replaced
            line, is_forked = " ".join(child.cmdline()), child.ppid() != driver.pid
            if "spawn_main" in line or ("forkserver" in line and is_forked):
                held[child.pid] = _mib(child)
    return held


def _mib(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def main() -> None:
    """Print a row every ten trials, then how the last compares with the first and the middle."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=200, help="a multiple of ten, 20 at least")
    parser.add_argument("--shapes", choices=list(SPACES), default="many")
    arguments = parser.parse_args()
    rows: list[list[float]] = []
    processes: set[int] = set()
    print(f"{'trials':>6} {'worker':>8} {'worker':>8} {'driver':>8}   MiB")
    for done, workers, driver in looks(arguments.trials, arguments.shapes):
        rows.append([*(workers[pid] for pid in sorted(workers)), driver])
        processes |= workers.keys()
        print(f"{done:6}", *(f"{mib:8.0f}" for mib in rows[-1]), flush=True)
    worker = max(max(held) for *held, _ in rows) / max(rows[0][:-1])
    driver = rows[-1][-1] / rows[0][-1]
    print(f"{len(processes) - 2} processes were replaced")
    print(f"most of a worker over after 10: {worker:.2f}; last of the driver: {driver:.2f}")


if __name__ == "__main__":
    main()
