"""``experiments.rerun`` of several trials, whole, on the digits."""

import re
from pathlib import Path
from statistics import mean, stdev

import pandas as pd
import pytest

from mnist_seq.config import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.tracking.results import Results, RunInfo
from tests.experiments.commands import printed, run

SWEEP = (
    "data=digits",
    "study=several",
    "search.trials=4",
    "search.baselines=[{model.units: 4, training.epochs: 1}]",
    "search.pruner=none",
    "training.learning_rate=0.02",
    "search.space={model: {units: {low: 8, high: 24}}, training: {epochs: {low: 2, high: 4}}}",
)
SEEDS = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a sweep of four trials: a baseline that is worse than the others."""
    made = tmp_path_factory.mktemp("mlruns")
    printed("sweep", *SWEEP, f"tracking.folder={made}")
    return made


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return Workspace(TrackingConfig(folder=str(folder))).results


def runs(results: Results, role: str) -> list[RunInfo]:
    return [run for run in results.runs(results.experiment("several")) if run.role == role]


@pytest.fixture(scope="module")
def best(results: Results) -> list[RunInfo]:
    """The runs of the two best trials of the search."""
    trials = runs(results, "trial")
    return sorted(trials, key=lambda run: -run.metrics["best_validation_accuracy"])[:2]


@pytest.fixture(scope="module")
def said(folder: Path, best: list[RunInfo]) -> str:
    """What a rerun of them has printed."""
    return printed("rerun", "top=2", f"seeds={SEEDS}", f"tracking.folder={folder}")


def seeds_of(results: Results, source: RunInfo) -> list[RunInfo]:
    return [run for run in runs(results, "rerun") if run.tags["rerun_of"] == source.id]


def test_each_of_the_best_and_the_baseline_once_are_trained_on_the_same_seeds(
    said: str, results: Results, best: list[RunInfo]
) -> None:
    (baseline,) = [run for run in runs(results, "trial") if run.number == 0]
    assert len(runs(results, "rerun")) == 3 * SEEDS
    for source in (*best, baseline):
        again = seeds_of(results, source)
        assert [run.params["seed"] for run in again] == [0, 1]
        assert {run.params["config"] for run in again} == {source.name}
        mark = True if source is baseline else None
        assert {run.params.get("baseline") for run in again} == {mark}
        curves = results.curve(again[0].id), results.curve(source.id)
        assert all(a.same_curve(b) for a, b in zip(*curves, strict=True))
    assert said.count("reproduced exactly") == 2
    assert said.count("the baseline's ") == 1
    assert said.count("points against the baseline on the same seeds") == 2


def test_each_block_and_the_table_have_the_scores_that_are_in_mlflow(
    said: str, results: Results, best: list[RunInfo]
) -> None:
    _, *parts = re.split(r"^(trial \d+)$", said, flags=re.MULTILINE)
    blocks = dict(zip(parts[::2], parts[1::2], strict=True))
    assert list(blocks) == [source.name for source in best], "in the search's order"
    table = [line for line in said.splitlines() if re.match(r"trial \d+  ", line)]
    means = {}
    for source in best:
        scores = [100 * run.metrics["test_accuracy"] for run in seeds_of(results, source)]
        means[source.name] = mean(scores)
        told = f"{mean(scores):.2f} ± {stdev(scores):.2f} %"
        assert f"test accuracy {told}" in blocks[source.name]
        (row,) = [line for line in table if line.startswith(f"{source.name} ")]
        assert f"{100 * source.metrics['best_validation_accuracy']:.2f} %" in row
        assert told in row
    assert [row[:7] for row in table] == sorted(means, key=lambda name: -means[name])
    assert re.search(r"^the search's order (held|did not hold); .* trial \d", said, re.MULTILINE)


def test_each_network_has_its_answers_in_its_run(
    said: str, results: Results, best: list[RunInfo]
) -> None:
    for again in runs(results, "rerun"):
        answers = pd.read_csv(results.files(again.id) / "test_results.csv")
        right = (answers["result"] == "right").mean()
        assert right == pytest.approx(again.metrics["test_accuracy"])
    for source in best:
        first = results.files(seeds_of(results, source)[0].id)
        assert f"each answer of {source.name}: {first / 'test_results.csv'}" in said


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["top=5"], "top: must be at most 4, the number of complete trials in several (got 5)"),
        (["top=0"], "top: must be at least 1 (got 0)"),
        (["top=2", "trial=1"], "top: means the best trials, so not together with trial=1"),
        (["top=2", f"run={32 * 'a'}"], "top: means the best trials, so not together with run=aaa"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], line: str, folder: Path) -> None:
    ran = run("rerun", "study=several", *words, f"tracking.folder={folder}")
    assert ran.code == 2
    (told,) = ran.errors
    assert told.startswith(f"error: {line}")
