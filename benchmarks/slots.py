"""What do the slots do while a search runs?

    python -m benchmarks.slots               # the default search, with 30 trials
    python -m benchmarks.slots --seen        # one of 30 trials whose shapes the workers have seen

The search is run as a user runs it; the time of each line of its log, and the seconds that it says
an epoch took, tell what each slot did from the first training's start to the last one's end. With
``--seen`` the workers are those of a Dask cluster that has served a short search of the same shape
before, and learning rate and epochs are searched; else every trial brings a shape of its own.
"""

import argparse
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distributed import LocalCluster

from benchmarks.systems import ROOT, our_command

SLOTS = 2
LINE = re.compile(
    r"^\S+  trial (?P<number>\d+): (?:(?P<starts>starts)|epoch \d+/\d+: .* (?P<seconds>[\d.]+) s$"
    r"|(?P<over>complete|pruned|failed))"
)
ONE_SHAPE = [
    "~search.space.model",
    "~search.space.training.batch_size",
    "model.units=64",
    "training.batch_size=64",
    "search.baselines=[]",
]


@dataclass
class Trial:
    """When a trial's lines came, and what its epochs took, in seconds."""

    began: float
    ended: float = 0.0
    heard: list[float] = field(default_factory=list)
    epochs: list[float] = field(default_factory=list)


def trials_of(lines: Iterator[tuple[float, str]]) -> list[Trial]:
    """What a log says of each trial."""
    trials: dict[str, Trial] = {}
    for now, line in lines:
        found = LINE.match(line)
        if found is None:
            continue
        if found["starts"]:
            trials[found["number"]] = Trial(now)
        elif found["seconds"]:
            trials[found["number"]].heard.append(now)
            trials[found["number"]].epochs.append(float(found["seconds"]))
        else:
            trials[found["number"]].ended = now
    return list(trials.values())


def shares(trials: Sequence[Trial]) -> dict[str, float]:
    """Seconds of all slots together, by what they did."""
    began = min(trial.began for trial in trials)
    last_start = max(trial.began for trial in trials)
    ended = max(trial.ended for trial in trials)
    busy_at_end = sum(trial.ended - last_start for trial in trials if trial.ended > last_start)
    parts = {
        "computing epochs": sum(sum(trial.epochs) for trial in trials),
        "before a trial's first step": sum(
            trial.heard[0] - trial.epochs[0] - trial.began for trial in trials if trial.heard
        ),
        "between two epochs": sum(
            trial.heard[-1] - trial.heard[0] - sum(trial.epochs[1:])
            for trial in trials
            if trial.heard
        ),
        "after a trial's last epoch": sum(
            trial.ended - trial.heard[-1] for trial in trials if trial.heard
        ),
        "no trial left to start": SLOTS * (ended - last_start) - busy_at_end,
    }
    parts["between two trials"] = SLOTS * (ended - began) - sum(parts.values())
    return parts


def said(command: Sequence[str]) -> Iterator[tuple[float, str]]:
    """Lines of a command's output, with the seconds at which they came."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        yield time.perf_counter(), line.rstrip()
    if process.wait() != 0:
        raise SystemExit("".join(printed))


def searched(folder: str, trials: int, *overrides: str) -> list[Trial]:
    """What became of a search's trials."""
    command = our_command(Path(folder), [f"search.trials={trials}", *overrides])
    return trials_of(said(command))


def main() -> None:
    """Print what the slots did."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seen", action="store_true", help="on workers that know the shapes")
    parser.add_argument("overrides", nargs="*", help="as on the command line: data=digits")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.seen:
            with LocalCluster(
                n_workers=SLOTS, threads_per_worker=1, dashboard_address=None, silence_logs=50
            ) as cluster:
                where = ["workers=cluster", f"workers.scheduler={cluster.scheduler_address}"]
                overrides = [*where, *ONE_SHAPE, *asked.overrides]
                searched(folder, 2 * SLOTS, "search.seed=1", "training.epochs=3", *overrides)
                trials = searched(folder, asked.trials, *overrides)
        else:
            trials = searched(folder, asked.trials, f"workers.count={SLOTS}", *asked.overrides)
    parts = shares(trials)
    whole = sum(parts.values())
    epochs = sum(len(trial.epochs) for trial in trials)
    print(f"{len(trials)} trials, {epochs} epochs on {SLOTS} slots in {whole / SLOTS:.0f} s")
    for name, seconds in parts.items():
        print(f"{name:30} {seconds:8.1f} s {seconds / whole:7.1%}")
    until_last = whole - parts["no trial left to start"]
    print(f"computing epochs, while trials were left: {parts['computing epochs'] / until_last:.1%}")


if __name__ == "__main__":
    main()
