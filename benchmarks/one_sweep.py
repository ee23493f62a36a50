"""How many epochs of training a second does a whole machine get through, with the same configs?

    pip install -r benchmarks/requirements.txt
    python -m benchmarks.one_sweep

Trainings, none of them given up, by this project and by three others that search with Keras:
Optuna around ``model.fit``, KerasTuner, and Ray Tune with one core a trial. Three workloads:

- same: twelve times the original network (50 units, batches of 28, learning rate 0.001);
- mix: nine shapes (50, 64 or 128 units; batches of 28, 64 or 128), three of them with a second
  learning rate;
- space: twenty drawn at random from the default sweep's space, but with 3 to 10 epochs and learning
  rates from 0.0001, each with its own readout and number of epochs: as good as no two have a shape
  in common, which matters with few images (``--images 1000``).

All train the same arrays with the same network, split and optimizer, and are told the configs in
advance. Each runs in a process of its own, one after the other.

What is counted: epochs of all trainings, divided by the seconds from the first training's start to
the last one's end. Building, tracing and compiling are in it. Not in it: the interpreter, imports,
reading the images, starting a cluster; and this project's report at the end. A start and an end is,

- for this project, the driver's line in its log: its workers may still be importing TensorFlow
  when the first trial starts, which is counted, and writing to MLflow is counted as far as it
  takes the machine's time before the last trial's end;
- for Optuna and KerasTuner, Keras' ``on_train_begin`` and ``on_train_end``: building the first
  network is left out, all later ones are in;
- for Ray Tune, its callbacks ``on_trial_start`` and ``on_trial_complete`` in the driver.

This project writes all curves, configs, pictures and networks to MLflow meanwhile; the others keep
nothing, except that KerasTuner writes each trial's best weights. "In all" is the time from the
command to its end, with all that is left out above.

The peers call ``compile`` and ``fit`` as they are, but for validation in batches of 500 images;
with ``--jit`` they ask Keras for XLA and 16 steps at a time, which few of its users do on a CPU.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from benchmarks.systems import (
    OURS,
    PEERS,
    Event,
    SystemFailedError,
    data_overrides,
    leave_in_order,
    listen,
    our_command,
    peer_command,
)

SAME = [(50, 28, 0.001)] * 12
MIX = [(units, batch, 0.001) for units in (50, 64, 128) for batch in (28, 64, 128)] + [
    (units, 64, 0.003) for units in (50, 64, 128)
]
DRAWN = 20
WORKLOADS = ("same", "mix", "space")


@dataclass(frozen=True)
class Measured:
    """One system's way through a workload.

    Attributes
    ----------
    rate : float
        Epochs a second, over all trainings, from the first start to the last end.
    seconds : float
        From the command to its end.
    """

    rate: float
    seconds: float


def settings(workload: str, epochs: int) -> list[dict[str, Any]]:
    """The trainings of a workload."""
    if workload == "space":
        from benchmarks.peers.network import suggest  # loads Keras, which the others do without

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        return [suggest(study.ask()).model_dump() for _ in range(DRAWN)]
    return [
        {"units": units, "batch_size": batch, "learning_rate": rate, "epochs": epochs}
        for units, batch, rate in (SAME if workload == "same" else MIX)
    ]


def our_overrides(trainings: Sequence[dict[str, Any]]) -> list[str]:
    """Command line of this project for given trainings: baselines, which nobody gives up."""
    listed = ",".join(_as_baseline(training) for training in trainings)
    return [f"search.baselines=[{listed}]", f"search.trials={len(trainings)}", "search.pruner=none"]


def _as_baseline(training: dict[str, Any]) -> str:
    names = {"units": "model.units", "readout": "model.readout"}
    settings = {names.get(name, f"training.{name}"): value for name, value in training.items()}
    settings |= {"training.schedule": "constant", "training.augmentation.shift": 0}
    settings["model.return_sequences"] = str(training.get("readout", "last") != "last").lower()
    return "{" + ",".join(f"{path}:{value}" for path, value in settings.items()) + "}"


def measure(system: str, workload: str, asked: argparse.Namespace) -> Measured:
    """Run one system through one workload.

    Raises
    ------
    SystemFailedError
        If it ends with an error, or did not train all epochs.
    """
    trainings = settings(workload, asked.epochs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = data_overrides(folder, asked.images)
        if system == OURS:
            command = our_command(folder, [*data, *our_overrides(trainings)])
        else:
            command = peer_command(system, data, settings=trainings, is_jit=asked.jit)
        epochs = sum(training["epochs"] for training in trainings)
        return measured(list(listen(command)), epochs)


def measured(events: Sequence[Event], epochs: int) -> Measured:
    """Rate and duration from what was heard, if it is all that was asked for."""
    done = sum(event.kind == "epoch" for event in events)
    if done != epochs:
        raise SystemFailedError(f"{done} epochs instead of {epochs}")
    started = min(event.seconds for event in events if event.kind == "started")
    ended = max(event.seconds for event in events if event.kind == "ended")
    return Measured(epochs / (ended - started), events[-1].seconds)


def show(workload: str, runs: dict[str, list[Measured]]) -> None:
    """A table of medians; a system that failed in every round has none."""
    print(f"\n{workload}\n{'':14}{'epochs/s':>10}{'ours/theirs':>13}{'in all':>10}{'rounds':>8}")
    ours = statistics.median(run.rate for run in runs[OURS]) if runs.get(OURS) else None
    for system, done in runs.items():
        if not done:
            print(f"{system:14}{'failed':>10}")
            continue
        rate = statistics.median(run.rate for run in done)
        seconds = statistics.median(run.seconds for run in done)
        ratio = f"{ours / rate:.2f}" if ours else "-"
        print(f"{system:14}{rate:10.3f}{ratio:>13}{seconds:8.0f} s{len(done):8}", flush=True)


def main() -> None:
    """Print each run as it ends, and a table of medians for each workload."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=["same", "mix"])
    parser.add_argument(
        "--epochs", type=int, default=2, help="of each training; not in the workload space"
    )
    parser.add_argument("--images", type=int, help="to train on; default: all 54,000")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each system, in turn")
    parser.add_argument("--systems", nargs="+", default=[OURS, *PEERS], choices=[OURS, *PEERS])
    parser.add_argument("--jit", action="store_true", help="peers: XLA, 16 steps at a time")
    asked = parser.parse_args()
    leave_in_order()
    for workload in asked.workload:
        runs: dict[str, list[Measured]] = {system: [] for system in asked.systems}
        for number in range(1, asked.rounds + 1):
            for system in asked.systems:
                try:
                    done = measure(system, workload, asked)
                except SystemFailedError as error:
                    print(f"{workload}, round {number}, {system}: failed: {error}", flush=True)
                    continue
                runs[system].append(done)
                print(
                    f"{workload}, round {number}, {system}: {done.rate:.3f} epochs/s, "
                    f"{done.seconds:.0f} s in all",
                    flush=True,
                )
        show(workload, runs)


if __name__ == "__main__":
    main()
