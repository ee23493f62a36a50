"""Does pruning cost a search with two aims its Pareto front, and how many epochs does it save?

    python -m benchmarks.several_aims
    python -m benchmarks.several_aims --trials 60 --seeds 0 1 2 3 4

For each seed, searches of accuracy against the number of parameters on scikit-learn's digits, with
and without pruning, one trial after the other. A random search tries the same trials each time, so
that its fronts can be compared point by point. What other samplers suggest follows from what was
pruned; all are compared by the share of the area between guessing and no error that the front
dominates, over the logarithm of the parameters.
"""

import argparse
import math
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.one_process import Trainings, searched
from mnist_seq.composition.compose import load_config
from mnist_seq.config.commands import SweepConfig
from mnist_seq.metrics.pareto import pareto_front
from mnist_seq.search.limits import trained_parameters

LEAST, MOST = 200, 100_000  # parameters: somewhat more than the space has
GUESSING = 0.1
SEARCH = (
    "data=digits",
    "study=several",
    "search.objective=[validation_accuracy,parameters]",
    "search.baselines=[]",
    # Few shapes, which are compiled once each.
    "search.space={model: {units: {choices: [4, 8, 16, 32, 64, 128]}, return_sequences: {choices: "
    "[true, false]}}, training: {learning_rate: {low: 0.0001, high: 0.03, log: true}}}",
    "model.readout=mean",
    "model.return_sequences=true",
    "training.batch_size=64",
    "training.epochs=12",
)


@dataclass(frozen=True)
class Front:
    """What a search has come to: its epochs, and parameters and accuracy by trial."""

    epochs: int
    points: dict[int, tuple[int, float]]

    @property
    def area(self) -> float:
        """Share of the area that the front dominates, in [0, 1]."""
        ends = [*(math.log(parameters) for parameters, _ in self.points.values()), math.log(MOST)]
        total = sum(
            (after - here) * (accuracy - GUESSING)
            for here, after, (_, accuracy) in zip(
                ends[:-1], ends[1:], self.points.values(), strict=True
            )
        )
        return total / (math.log(MOST / LEAST) * (1 - GUESSING))


def found(config: SweepConfig, trainings: Trainings) -> Front:
    """Run a search to its end, and find its front."""
    with tempfile.TemporaryDirectory() as folder:
        ended = list(searched(Path(folder), config, trainings))
    complete = [
        (trial.number, trained_parameters(trial.config), outcome.best.validation_accuracy)
        for trial, outcome in ended
        if outcome.state == "complete" and outcome.best
    ]
    numbers, sizes, accuracies = zip(*complete, strict=True)
    front = pareto_front(np.array(sizes, float)[:, None], np.array(accuracies))
    epochs = sum(len(outcome.records) for _, outcome in ended)
    return Front(epochs, {numbers[i]: (sizes[i], accuracies[i]) for i in front})


def main() -> None:
    """A row for each seed, sampler and pruner as it comes, and their means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=40, help="of each search")
    parser.add_argument("--samplers", nargs="+", default=["random", "tpe", "gp"])
    asked = parser.parse_args()
    print(f"{'seed':>4}  {'':28}{'epochs':>8}{'area':>9}{'front':>7}{'in common':>11}")
    rows: dict[str, list[Front]] = {}
    for seed in asked.seeds:
        trainings = Trainings()
        for sampler in asked.samplers:
            whole: Front | None = None
            for pruner in ("none", "hyperband", "successive_halving"):
                overrides = [f"search.sampler={sampler}", f"search.pruner={pruner}"]
                overrides += [f"seed={seed}", f"search.seed={seed}"]
                overrides += [f"search.trials={asked.trials}"]
                row = found(load_config("sweep", SweepConfig, [*SEARCH, *overrides]), trainings)
                whole = whole or row
                common = len(set(row.points.values()) & set(whole.points.values()))
                name = f"{sampler}, {pruner}"
                rows.setdefault(name, []).append(row)
                print(
                    f"{seed:4}  {name:28}{row.epochs:8}{row.area:9.1%}{len(row.points):7}"
                    f"{common:8} of {len(whole.points)}",
                    flush=True,
                )
    print("\nmeans over the seeds")
    for name, fronts in rows.items():
        epochs = statistics.mean(front.epochs for front in fronts)
        area = statistics.mean(front.area for front in fronts)
        print(f"      {name:28}{epochs:8.0f}{area:9.1%}")


if __name__ == "__main__":
    main()
