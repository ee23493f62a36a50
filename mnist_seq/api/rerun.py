"""What a rerun has shown: networks trained again, and how they do on the test images."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import mean, stdev

import pandas as pd

from mnist_seq.api.trained_run import TrainedRun
from mnist_seq.driver.register import RegisteredNetwork
from mnist_seq.driver.rerun import RerunResult, RetrainedConfig
from mnist_seq.driver.scores import paired_difference
from mnist_seq.driver.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Retraining:
    """One config, trained again with several seeds, on the test images.

    Attributes
    ----------
    name : str
        Of the earlier run.
    runs : tuple of TrainedRun
        One for each seed.
    test_accuracies : tuple of float
        Of each.
    test_images : int
        How many there are.
    ensemble : float
        Test accuracy of all together: the mean of their probabilities answers.
    reproduced : str
        How the first curve compares with the earlier one; empty where settings were changed.
    """

    name: str
    runs: tuple[TrainedRun, ...]
    test_accuracies: tuple[float, ...]
    test_images: int
    ensemble: float
    reproduced: str

    @property
    def mean(self) -> float:
        """Mean of the test accuracies."""
        return mean(self.test_accuracies)

    @property
    def std(self) -> float:
        """Standard deviation of the test accuracies; NaN with one seed."""
        return stdev(self.test_accuracies) if len(self.test_accuracies) > 1 else float("nan")


@dataclass(frozen=True, eq=False)
class Rerun:
    """The best configs of a study trained again, and the baseline beside them.

    Attributes
    ----------
    study : str
        The study's name.
    retrainings : tuple of Retraining
        Those that were asked for, the best in the search first.
    baseline : Retraining or None
        The study's first baseline on the same seeds; None where it was not trained.
    registered : RegisteredNetwork or None
        The network that went into MLflow's registry; None without ``register=``.
    """

    study: str
    retrainings: tuple[Retraining, ...]
    baseline: Retraining | None
    registered: RegisteredNetwork | None

    @property
    def best(self) -> Retraining:
        """The config that was the best in the search, or the one that was chosen."""
        return self.retrainings[0]

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """95 % interval of the best's gain over the baseline: lower end, mean, upper end.

        Student's t of the paired differences, as accuracies; None without a baseline or with a
        single seed.
        """
        if self.baseline is None or self.baseline is self.best or len(self.best.runs) < 2:
            return None
        return paired_difference(
            self.best.test_accuracies, self.baseline.test_accuracies, self.best.test_images
        )

    @property
    def table(self) -> pd.DataFrame:
        """One row a network: config, seed, test accuracy, run id."""
        shown = [*self.retrainings]
        if self.baseline is not None and self.baseline not in shown:
            shown.append(self.baseline)
        rows = [
            {
                "config": each.name,
                "seed": run.config.seed,
                "test_accuracy": accuracy,
                "run_id": run.run_id,
            }
            for each in shown
            for run, accuracy in zip(each.runs, each.test_accuracies, strict=True)
        ]
        return pd.DataFrame(rows)

    @property
    def _lines(self) -> list[str]:
        spread = f" ± {100 * self.best.std:.2f}" if len(self.best.runs) > 1 else ""
        lines = [f"{self.study}, {self.best.name}: test {100 * self.best.mean:.2f}{spread} %"]
        if self.difference is not None:
            low, middle, high = (100 * each for each in self.difference)
            lines.append(
                f"{middle:+.2f} points against the baseline, "
                f"95 % interval {low:+.2f} to {high:+.2f}"
            )
        return lines

    def __repr__(self) -> str:
        return "\n".join([*self._lines, str(self.table.drop(columns="run_id"))])

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines)
        return lines + str(self.table.to_html(index=False))


def as_rerun(workspace: Workspace, result: RerunResult) -> Rerun:
    """Return what the driver has trained again, as objects to work with."""
    known = [(each, _retraining(workspace, each)) for each in result.retrained]
    chosen = tuple(shown for each, shown in known if each.plan.is_chosen)
    baseline: Sequence[Retraining] = [shown for each, shown in known if each.plan.is_baseline]
    return Rerun(result.study, chosen, baseline[0] if baseline else None, result.registered)


def _retraining(workspace: Workspace, each: RetrainedConfig) -> Retraining:
    runs = tuple(TrainedRun(workspace, workspace.results.run(run)) for run in each.run_ids)
    scores = each.scores
    return Retraining(
        each.plan.source.name,
        runs,
        tuple(scores.accuracies),
        scores.images,
        scores.ensemble,
        each.verdict,
    )
