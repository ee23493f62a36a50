"""Does pruning cost a search with two aims its Pareto front, and how many epochs does it save?

    python -m benchmarks.several_aims
    python -m benchmarks.several_aims --trials 40 --seeds 0 1 2 3 4 training.epochs=27

For each seed, searches of accuracy against the number of parameters on scikit-learn's digits, with
Hyperband and without pruning, one trial at a time. A random search tries the same trials both ways,
so that their fronts can be compared trial by trial; for the Gaussian process, whose suggestions
follow from what was pruned, and for both, by the share of the area between guessing and no error
that the front dominates, over the logarithm of the parameters. Overrides are added to every search.
"""

import argparse
import math
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.systems import SystemFailedError, leave_in_order, listen, our_command
from mnist_seq.composition.compose import composed
from mnist_seq.config import SweepConfig
from mnist_seq.pareto import pareto_front
from mnist_seq.search.limits import trained_parameters
from mnist_seq.search.storage import StudyStorage
from mnist_seq.search.trials import finished_trials

STUDY = "several_aims"
LEAST, MOST = 1_000, 100_000  # parameters: somewhat more than the default space has on digits
CLASSES = 10


@dataclass(frozen=True)
class Searched:
    """A search that has ended: its epochs, and its front as (parameters, accuracy) by trial."""

    epochs: int
    front: dict[int, tuple[int, float]]

    @property
    def area(self) -> float:
        """Share of the area over the parameters that the front dominates, in [0, 1]."""
        ends = [*(math.log(parameters) for parameters, _ in self.front.values()), math.log(MOST)]
        total = sum(
            (after - here) * (accuracy - 1 / CLASSES)
            for here, after, (_, accuracy) in zip(ends, ends[1:], self.front.values(), strict=True)
        )
        return total / (math.log(MOST / LEAST) * (1 - 1 / CLASSES))


def searched(overrides: Sequence[str]) -> Searched:
    """Run a search to its end and look up its front."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in listen(our_command(folder, overrides)):
            pass
        storage = StudyStorage(folder / "mlruns" / "optuna.db")
        storage.open(STUDY)
        config = composed("sweep", SweepConfig, overrides)
        ended = finished_trials(config, storage.finished())
    complete = [
        (trial.number, trained_parameters(trial.config), outcome.best.validation_accuracy)
        for trial, outcome in ended
        if outcome.state == "complete" and outcome.best
    ]
    numbers, sizes, accuracies = zip(*complete, strict=True)
    chosen = pareto_front(np.array(sizes, float)[:, None], np.array(accuracies))
    return Searched(
        sum(len(outcome.records) for _, outcome in ended),
        {numbers[i]: (sizes[i], accuracies[i]) for i in chosen},
    )


def main() -> None:
    """A row for each seed, sampler and pruner as it comes, and what they come to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=30, help="of each search")
    parser.add_argument("--samplers", nargs="+", default=["random", "gp"])
    parser.add_argument("overrides", nargs="*", help="of every search")
    asked = parser.parse_args()
    leave_in_order()
    print(f"{'seed':>4}  {'':20}{'epochs':>8}{'area':>9}{'on the front':>14}{'of all':>8}")
    found: dict[tuple[str, str], list[Searched]] = {}
    for seed in asked.seeds:
        for sampler in asked.samplers:
            whole: Searched | None = None
            for pruner in ("none", "hyperband"):
                overrides = ["data=digits", f"study={STUDY}", f"seed={seed}", "workers.count=1"]
                overrides += [f"search.seed={seed}", f"search.trials={asked.trials}"]
                overrides += ["search.objective=[validation_accuracy,parameters]"]
                overrides += [f"search.sampler={sampler}", f"search.pruner={pruner}"]
                try:
                    row = searched([*overrides, *asked.overrides])
                except SystemFailedError as error:
                    print(f"{seed:4}  failed: {error}", flush=True)
                    continue
                whole = whole or row
                found.setdefault((sampler, pruner), []).append(row)
                kept = len(row.front.keys() & whole.front.keys()) if sampler == "random" else ""
                print(
                    f"{seed:4}  {sampler + ', ' + pruner:20}{row.epochs:8}{row.area:9.1%}"
                    f"{len(row.front):14}{kept:8}",
                    flush=True,
                )
    print("\nmeans over the seeds")
    for (sampler, pruner), rows in found.items():
        epochs = statistics.mean(row.epochs for row in rows)
        area = statistics.mean(row.area for row in rows)
        print(f"      {sampler + ', ' + pruner:20}{epochs:8.0f}{area:9.1%}")


if __name__ == "__main__":
    main()
