"""Does it help a search to try first what was best in an earlier study of other images?

    python -m benchmarks.start_from
    python -m benchmarks.start_from --seeds 0 1 2 --pairs split

An earlier search on scikit-learn's digits; then two of the same space on other images, one of which
tries the earlier one's best trials first. The images are the digits split by another seed
(``split``), or the first 3,000 of MNIST's, with as many for validation (``mnist``). What is counted
are the epochs of all trials until the first at the accuracy that both searches reach.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.one_process import Trainings, searched
from benchmarks.systems import data_overrides
from mnist_seq.composition.compose import load_config
from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Values
from mnist_seq.records import TrialOutcome
from mnist_seq.search.storage import StudyStorage
from mnist_seq.search.study import Study

EARLIER = ("data=digits", "data.validation_fraction=0.3")
SEARCH = (
    "study=later",
    "search.baselines=[]",
    # Few shapes, which are compiled once each.
    "search.space={model: {units: {choices: [16, 32, 64]}, return_sequences: {choices: [true, "
    "false]}, readout: {choices: [mean, max], when: {model.return_sequences: true}}}, training: "
    "{learning_rate: {low: 0.0001, high: 0.03, log: true}, batch_size: {choices: [28, 64]}, "
    "epochs: {low: 3, high: 10}}}",
)


def search(
    config: SweepConfig, trainings: Trainings, first: Sequence[Values] = ()
) -> tuple[list[float], list[tuple[float, Values]]]:
    """Run a search that tries some values first.

    Returns
    -------
    list of float
        Validation accuracy of each epoch, in the order of the trials.
    list of (float, values)
        The complete trials, best first.
    """
    with tempfile.TemporaryDirectory() as name:
        study = Study(StudyStorage(Path(name) / "optuna.db"), config)
        for values in first:
            study.ask(values)
        ended = list(searched(Path(name), config, trainings))
    epochs = [record.validation_accuracy for _, outcome in ended for record in outcome.records]
    complete = [(_best(outcome), trial.settings) for trial, outcome in ended if _is_whole(outcome)]
    return epochs, sorted(complete, key=lambda pair: -pair[0])


def _is_whole(outcome: TrialOutcome) -> bool:
    return outcome.state == "complete"


def _best(outcome: TrialOutcome) -> float:
    assert outcome.best is not None
    return outcome.best.validation_accuracy


def until(epochs: Sequence[float], target: float) -> int:
    """How many epochs it took to reach an accuracy."""
    return next(n for n, accuracy in enumerate(epochs, 1) if accuracy >= target)


def main() -> None:
    """A row for each seed and pair of data sets as it comes, and medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--trials", type=int, default=15, help="of each search")
    parser.add_argument("--best", type=int, default=3, help="of the earlier study, tried first")
    parser.add_argument("--pairs", nargs="+", default=["split", "mnist"])
    asked = parser.parse_args()
    columns = ("to common", "with", "best", "with")
    print(f"{'':8}{'seed':>4}" + "".join(f"{column:>12}" for column in columns))
    with tempfile.TemporaryDirectory() as name:
        later = {
            "split": [*EARLIER, "data.split_seed=1"],
            "mnist": data_overrides(Path(name), 3_000, held_out=0.5)
            if "mnist" in asked.pairs
            else [],
        }
        trainings = Trainings()
        for pair in asked.pairs:
            rows = []
            for seed in asked.seeds:
                overrides = [*SEARCH, f"search.trials={asked.trials}", f"seed={seed}"]
                before = load_config(
                    "sweep", SweepConfig, [*EARLIER, *overrides, f"search.seed={seed + 100}"]
                )
                now = load_config(
                    "sweep", SweepConfig, [*later[pair], *overrides, f"search.seed={seed}"]
                )
                _, known = search(before, trainings)
                alone, _ = search(now, trainings)
                helped, _ = search(now, trainings, [values for _, values in known[: asked.best]])
                common = min(max(alone), max(helped))
                rows.append((until(alone, common), until(helped, common), max(alone), max(helped)))
                print(f"{pair:8}{seed:4}{shown(rows[-1])}", flush=True)
            print(f"{pair:8}    {shown([statistics.median(c) for c in zip(*rows, strict=True)])}")


def shown(row: Sequence[float]) -> str:
    """Figures under their columns."""
    alone, helped, best, best_helped = row
    return f"{alone:12.0f}{helped:12.0f}{best:12.2%}{best_helped:12.2%}"


if __name__ == "__main__":
    main()
