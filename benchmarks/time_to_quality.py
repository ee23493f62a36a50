"""How long until the best validation accuracy reaches 98.8 %?

    pip install -r benchmarks/requirements.txt
    python -m benchmarks.time_to_quality
    python -m benchmarks.time_to_quality --search

A search by this project, as it is (``python -m experiments.sweep``), and searches of the same space
by three others: Optuna's TPE, with the same pruner, around ``model.fit``, KerasTuner's Hyperband,
Ray Tune with Optuna's TPE and ASHA, one core a trial. The space is that of
``conf/search/default.yaml``, but with 3 to 10 epochs and learning rates from 0.0001, and images are
not shifted (`SPACE`); KerasTuner's Hyperband chooses the epochs itself. Each has 20 trials
of at most 10 epochs; KerasTuner one whole Hyperband, which is 30 rounds of training.

What is counted: seconds from the start of the command, with interpreter, imports, reading the
images and starting workers, to the line that reports the first epoch of any trial at or above the
target; then it is stopped. A peer is stopped as well after ``--limit`` seconds, the same with every
seed: stopped sooner where this project was lucky, its median would come out too long. A seed
decides sampler and weights; equal seeds of two systems have nothing in common, so medians are
compared, not rows. Where trainings run at once, timing decides what is suggested next: a seed need
not repeat to the second.

All search the same space with nothing else to do: this project would train the original guess
first, as trial 0, which no other has in its budget and which does not reach the target; only with
``--baseline`` it does. What is not alike: this project keeps everything in MLflow. The peers keep
nothing but KerasTuner's best weights. Their users mostly leave the learning rate constant; here all
let it fall to zero along a cosine over each trial's epochs, as this project does by default, so
that machinery is compared and not the schedule; ``--no-cosine`` leaves theirs constant. ``--jit``
has them ask Keras for XLA and 16 steps at a time. With ``--pruner successive_halving`` this project
and Optuna judge every trial after epochs 1, 3 and 9, as Ray Tune's ASHA always does, where
Hyperband spares a part of them the first judgements.

With ``--search``, what this project's own choices are worth, on scikit-learn's digits or the first
of MNIST's ``--images`` (as many again are for validation): a Gaussian process with n trials against
TPE with n and random with 2 n, and n trials with Hyperband against n with successive halving and n
without pruning. Counted are seconds from the first training's start, to the last one's end and to
the first epoch at the accuracy that all of the same seed came to.
"""

import argparse
import math
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

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

# What differs from the default search: the peers' space, and images as they are.
SPACE = (
    "training.augmentation.shift=0",
    "search.space.training.epochs.low=3",
    "search.space.training.learning_rate.low=1e-4",
)


@dataclass(frozen=True)
class Reached:
    """How a search went until it reached the target, or was over.

    Attributes
    ----------
    seconds : float
        From the command to the target, or to the end.
    best : float
        Validation accuracy, in [0, 1].
    epochs : int
        Trained by then, over all trials.
    is_there : bool
        Whether the target was reached.
    is_over : bool
        Whether it came to its end by itself.
    """

    seconds: float
    best: float
    epochs: int
    is_there: bool
    is_over: bool


def until(command: Sequence[str], target: float, limit: float | None) -> Reached:
    """Run a search until it reaches the target, ends, or takes longer than `limit` seconds."""
    best, epochs, seconds = 0.0, 0, 0.0
    with closing(listen(command, limit)) as events:
        for event in events:
            seconds = event.seconds
            if event.kind == "left":
                return Reached(seconds, best, epochs, is_there=False, is_over=True)
            if event.accuracy is not None:
                epochs += 1
                best = max(best, event.accuracy)
                if best >= target:
                    return Reached(seconds, best, epochs, is_there=True, is_over=False)
    return Reached(limit or seconds, best, epochs, is_there=False, is_over=False)


def compare(asked: argparse.Namespace) -> None:
    """A row for each seed and system as it comes, medians at the end."""
    found: dict[str, list[Reached]] = {system: [] for system in (OURS, *asked.peers)}
    print(f"{'seed':>4}  {'':14}{'to ' + format(asked.target, '.2%'):>12}{'epochs':>8}{'best':>10}")
    for seed in asked.seeds:
        for system, runs in found.items():
            limit = None if system == OURS else asked.limit
            try:
                reached = search(system, seed, limit, asked)
            except SystemFailedError as error:
                print(f"{seed:4}  {system:14}      failed: {error}", flush=True)
                continue
            runs.append(reached)
            print(
                f"{seed:4}  {system:14}{told(reached):>12}{reached.epochs:8}{reached.best:10.2%}",
                flush=True,
            )
    print("\nmedian over the seeds")
    for system, runs in found.items():
        print(f"      {system:14}{median(runs, found[OURS], asked.limit):>12}", flush=True)


def search(system: str, seed: int, limit: float | None, asked: argparse.Namespace) -> Reached:
    """One search by one system."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = data_overrides(folder, asked.images)
        if system == OURS:
            seeds = [f"seed={seed}", f"search.seed={seed}"]
            guess = [] if asked.baseline else ["search.baselines=[]"]
            rest = [f"search.trials={asked.trials}", f"search.pruner={asked.pruner}"]
            command = our_command(folder, [*data, *SPACE, *seeds, *guess, *rest])
        else:
            command = peer_command(
                system,
                data,
                settings=[],
                trials=asked.trials,
                seed=seed,
                pruner=asked.pruner,
                is_cosine=asked.cosine,
                is_jit=asked.jit,
            )
        return until(command, asked.target, limit)


def told(reached: Reached) -> str:
    """The seconds, or why there are none."""
    if reached.is_there:
        return f"{reached.seconds:.1f} s"
    return "never" if reached.is_over else f"> {reached.seconds:.0f} s"


def median(runs: Sequence[Reached], ours: Sequence[Reached], limit: float) -> str:
    """Median seconds and their ratio to ours, or how much both are at least."""
    if not runs or not ours:
        return "failed"
    more, seconds = "", middle(runs, math.inf)
    if seconds == math.inf:
        more, seconds = "> ", middle(runs, limit)
    return f"{more}{seconds:.1f} s  {more}{seconds / middle(ours, math.inf):.2f}x"


def middle(runs: Sequence[Reached], otherwise: float) -> float:
    """Median seconds, of a search that did not get there `otherwise`."""
    return statistics.median(run.seconds if run.is_there else otherwise for run in runs)


def variants(trials: int) -> dict[str, list[str]]:
    """Searches that differ in one choice from the first."""
    return {
        f"{sampler}, {number}, {pruner}": [
            f"search.sampler={sampler}",
            f"search.pruner={pruner}",
            f"search.trials={number}",
        ]
        for sampler, number, pruner in (
            ("gp", trials, "hyperband"),
            ("tpe", trials, "hyperband"),
            ("random", 2 * trials, "hyperband"),
            ("gp", trials, "successive_halving"),
            ("gp", trials, "none"),
        )
    }


def own_choices(asked: argparse.Namespace) -> None:
    """A row for each seed and variant as it comes, medians at the end."""
    columns = ("best", "epochs", "seconds", "to common")
    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in variants(asked.trials)}
    print(f"{'seed':>4}  {'':30}" + "".join(f"{column:>12}" for column in columns))
    for seed in asked.seeds:
        try:
            heard = {
                name: curve(seed, asked, overrides)
                for name, overrides in variants(asked.trials).items()
            }
        except SystemFailedError as error:
            print(f"{seed:4}  failed: {error}", flush=True)
            continue
        common = min(max(accuracies(events)) for events in heard.values())
        for name, events in heard.items():
            row = figures(events, common)
            rows[name].append(row)
            print(f"{seed:4}  {name:30}{shown(row)}", flush=True)
    print("\nmedians over the seeds")
    for name, done in rows.items():
        if done:
            middle = tuple(statistics.median(column) for column in zip(*done, strict=True))
            print(f"      {name:30}{shown(middle)}")


def curve(seed: int, asked: argparse.Namespace, overrides: Sequence[str]) -> list[Event]:
    """All that one search of ours said."""
    with tempfile.TemporaryDirectory() as name:
        folder, seeds = Path(name), [f"seed={seed}", f"search.seed={seed}"]
        data = data_overrides(folder, asked.images, held_out=0.5) or [f"data={asked.data}"]
        # The original guess, always trial 0, is the best on digits whatever is chosen after it.
        whole = [*data, *SPACE, *seeds, "search.baselines=[]", *overrides]
        return list(listen(our_command(folder, whole)))


def accuracies(events: Iterable[Event]) -> list[float]:
    """Validation accuracy of every epoch, in the order in which they ended."""
    return [event.accuracy for event in events if event.accuracy is not None]


def figures(events: Sequence[Event], common: float) -> tuple[float, ...]:
    """Best accuracy, epochs, seconds to the end, seconds to the first epoch at `common`."""

    def first(is_it: Callable[[Event], bool]) -> float:
        return next(event.seconds for event in events if is_it(event))

    began = first(lambda event: event.kind == "started")
    ended = max(event.seconds for event in events if event.kind == "ended")
    there = first(lambda event: event.accuracy is not None and event.accuracy >= common)
    reached = accuracies(events)
    return max(reached), len(reached), ended - began, there - began


def shown(row: Sequence[float]) -> str:
    """Figures under their columns."""
    best, epochs, seconds, there = row
    return f"{best:12.2%}{epochs:12.0f}{seconds:10.1f} s{there:10.1f} s"


def main() -> None:
    """Compare with the peers, or with ``--search`` this project's choices with each other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", type=float, default=0.988, help="validation accuracy")
    parser.add_argument("--seeds", type=int, nargs="+", help="default: 0 1 2; 0 to 6 with --search")
    parser.add_argument("--trials", type=int, default=20, help="of each search")
    parser.add_argument("--images", type=int, help="of MNIST, to train on; default: all")
    parser.add_argument("--limit", type=float, default=600, help="seconds, for a peer's search")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--cosine", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--pruner",
        default="hyperband",
        choices=["hyperband", "successive_halving"],
        help="ours and Optuna's",
    )
    parser.add_argument("--baseline", action="store_true", help="ours: the original guess first")
    parser.add_argument("--jit", action="store_true", help="peers: XLA, 16 steps at a time")
    parser.add_argument("--search", action="store_true", help="our choices, not our speed")
    parser.add_argument("--data", default="digits", help="with --search: digits or mnist")
    asked = parser.parse_args()
    leave_in_order()
    if asked.seeds is None:
        asked.seeds = list(range(7 if asked.search else 3))
    own_choices(asked) if asked.search else compare(asked)


if __name__ == "__main__":
    main()
