"""How much does a search lose that ends by itself, and how many trials does it save?

    python -m benchmarks.auto_end
    python -m benchmarks.auto_end training.epochs=3 --trials 40 --seeds 0 1 2

A search of ``--trials`` trials on scikit-learn's digits for each seed, one trial at a time; then
the same trials once more, as ``search.trials=auto`` would have seen them: after how many it would
have ended, and how far its best was then below that of all. Overrides are added to every search.

What is compared is the best validation accuracy, as both would have told it. Part of what more
trials find is luck with these images: a search that ends early looks worse here than on new ones.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.systems import SystemFailedError, leave_in_order, listen, our_command
from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.validation import validate
from mnist_seq.search.aims import directions
from mnist_seq.search.finished_trial import FinishedTrial, finished_trial
from mnist_seq.search.storage import StudyStorage
from mnist_seq.search.study import Study
from mnist_seq.search.study_settings import fixed_settings
from mnist_seq.search.trials import StudyTrials, finished_trials

STUDY = "auto_end"
CLOSE = 0.001  # a tenth of a point of accuracy


@dataclass(frozen=True)
class Ended:
    """Where a search would have ended by itself.

    Attributes
    ----------
    trials, epochs : int
        Trained by then.
    best : float
        Validation accuracy by then, in [0, 1].
    all_epochs, all_best
        The same of all trials.
    """

    trials: int
    epochs: int
    best: float
    all_epochs: int
    all_best: float

    @property
    def lost(self) -> float:
        """By how much its best is below that of all trials."""
        return self.all_best - self.best


def searched(folder: Path, overrides: Sequence[str]) -> None:
    """Run a search to its end."""
    for _ in listen(our_command(folder, overrides)):
        pass


def prefixes(folder: Path, config: SweepConfig) -> Iterator[StudyTrials]:
    """The search after its first trial, its first two, and so on, as one that ends by itself."""
    whole, part = StudyStorage(folder / "mlruns" / "optuna.db"), StudyStorage(folder / "part.db")
    whole.open(STUDY)
    part.create(STUDY, directions(config.search))
    part.set_attribute("settings", fixed_settings(config))
    for trial in whole.trials():
        part.add(trial)
        yield StudyTrials(Study(part, config), config)


def figures(config: SweepConfig, trials: Sequence[FinishedTrial]) -> tuple[int, float]:
    """Epochs and best validation accuracy of trials that have ended."""
    outcomes = [outcome for _, outcome in finished_trials(config, trials)]
    best = [outcome.best.validation_accuracy for outcome in outcomes if outcome.best]
    return sum(len(outcome.records) for outcome in outcomes), max(best)


def replayed(folder: Path, overrides: Sequence[str]) -> Ended:
    """Go through a search that has run, and find where it would have ended by itself."""
    config = validate(
        SweepConfig, compose("sweep", SweepConfig, [*overrides, "search.trials=auto"])
    )
    storage = StudyStorage(folder / "mlruns" / "optuna.db")
    storage.open(STUDY)
    done = [finished_trial(trial) for trial in storage.trials()]
    ends = (n for n, part in enumerate(prefixes(folder, config), 1) if part.end is not None)
    trials = next(ends, len(done))
    return Ended(trials, *figures(config, done[:trials]), *figures(config, done))


def main() -> None:
    """A row for each seed as it comes, and what they come to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--trials", type=int, default=100, help="of each search")
    parser.add_argument("overrides", nargs="*", help="of every search")
    asked = parser.parse_args()
    leave_in_order()
    print(f"{'seed':>4}{'ends after':>12}{'of epochs':>12}{'best':>10}{'of all':>10}{'lost':>14}")
    rows = []
    for seed in asked.seeds:
        overrides = ["data=digits", f"study={STUDY}", f"seed={seed}", f"search.seed={seed}"]
        overrides += ["workers.count=1", f"search.most_trials={asked.trials}", *asked.overrides]
        with tempfile.TemporaryDirectory() as name:
            try:
                searched(Path(name), [*overrides, f"search.trials={asked.trials}"])
            except SystemFailedError as error:
                print(f"{seed:4}  failed: {error}", flush=True)
                continue
            row = replayed(Path(name), overrides)
        rows.append(row)
        share = row.epochs / row.all_epochs
        print(
            f"{seed:4}{row.trials:5} trials{share:12.0%}{row.best:10.2%}{row.all_best:10.2%}"
            f"{100 * row.lost:7.2f} points",
            flush=True,
        )
    if rows:
        close = sum(row.lost <= CLOSE for row in rows)
        saved = statistics.mean(asked.trials - row.trials for row in rows)
        lost = statistics.mean(100 * row.lost for row in rows)
        print(
            f"\nwithin {100 * CLOSE:.1f} points of {asked.trials} trials: {close} of {len(rows)}; "
            f"lost in the mean: {lost:.2f} points; trials saved in the mean: {saved:.0f}"
        )


if __name__ == "__main__":
    main()
