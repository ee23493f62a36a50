"""``experiments.rerun`` of several trials, whole, on the digits."""

import re
from pathlib import Path
from statistics import mean, stdev

import pandas as pd
import pytest

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import RerunConfig, TrainConfig
from mnist_seq.config.settings import TrackingConfig, flatten, scalar_text
from mnist_seq.config.validation import validate
from mnist_seq.driver.workspace import Workspace
from mnist_seq.tracking.results import Results, StoredRun
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


def runs(results: Results, role: str) -> list[StoredRun]:
    return [run for run in results.runs(results.experiment("several")) if run.role == role]


@pytest.fixture(scope="module")
def best(results: Results) -> list[StoredRun]:
    """The runs of the two best trials of the search."""
    trials = runs(results, "trial")
    return sorted(trials, key=lambda run: -run.metrics["best_validation_accuracy"])[:2]


@pytest.fixture(scope="module")
def said(folder: Path, best: list[StoredRun]) -> str:
    """What a rerun of them has printed."""
    return printed("rerun", "top=2", f"seeds={SEEDS}", f"tracking.folder={folder}")


def seeds_of(results: Results, source: StoredRun) -> list[StoredRun]:
    return [run for run in runs(results, "rerun") if run.tags["rerun_of"] == source.id]


@pytest.mark.slow
def test_each_of_the_best_and_the_baseline_once_are_trained_on_the_same_seeds(
    said: str, results: Results, best: list[StoredRun]
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


@pytest.mark.slow
def test_each_block_and_the_table_have_the_scores_that_are_in_mlflow(
    said: str, results: Results, best: list[StoredRun]
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


@pytest.mark.slow
def test_each_network_has_its_answers_in_its_run(
    said: str, results: Results, best: list[StoredRun]
) -> None:
    for again in runs(results, "rerun"):
        answers = pd.read_csv(results.file(again.id, "test_results.csv"))
        right = (answers["result"] == "right").mean()
        assert right == pytest.approx(again.metrics["test_accuracy"])
    for source in best:
        first = results.file(seeds_of(results, source)[0].id, ".")
        assert f"each answer of {source.name}: {first / 'test_results.csv'}" in said


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["study=several", "top=5"],
            "top: must be at most 4, the number of complete trials in several (got 5)",
        ),
        (["top=0"], "top: must be at least 1 (got 0)"),
        (["top=2", "trial=1"], "top: means the best trials, so not together with trial=1"),
        (["top=2", f"run={32 * 'a'}"], "top: means the best trials, so not together with run=aaa"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], line: str, folder: Path) -> None:
    ran = run("rerun", *words, f"tracking.folder={folder}")
    assert ran.code == 2
    (told,) = ran.errors
    assert told.startswith(f"error: {line}")


# --- changed settings


@pytest.mark.slow
def test_a_changed_setting_is_told_and_the_baseline_stays_as_it_was(
    folder: Path, results: Results, best: list[StoredRun]
) -> None:
    before = {again.id for again in runs(results, "rerun")}
    changes = ("training.epochs=1", "model.units=7")
    out = printed("rerun", "study=several", *changes, "seeds=2", f"tracking.folder={folder}")
    source = best[0]
    epochs, units = (source.params[path] for path in ("training.epochs", "model.units"))
    what = f"model.units {units} → 7, training.epochs {epochs} → 1"
    assert f"\nchanged: {what}\n" in out
    assert not re.search("reproduced|luck|in the search", out)
    assert "points against the baseline on the same seeds" in out
    new = [again for again in runs(results, "rerun") if again.id not in before]
    ours = [again for again in new if again.tags["rerun_of"] == source.id]
    (baseline,) = [trial for trial in runs(results, "trial") if trial.number == 0]
    theirs = [again for again in new if again.tags["rerun_of"] == baseline.id]
    assert (len(ours), len(theirs), len(new)) == (2, 2, 4)
    known = results.config(source.id)
    for again in ours:
        assert again.tags["changed"] == what
        assert "reproduced" not in again.tags
        config = results.config(again.id)
        assert (config["model"].pop("units"), config["training"].pop("epochs")) == (7, 1)
        for group in ("data", "model", "training"):
            assert config[group].items() <= known[group].items()
        assert len(results.curve(again.id)) == 1
    assert "changed" not in theirs[0].tags
    curves = results.curve(theirs[0].id), results.curve(baseline.id)
    assert all(a.same_curve(b) for a, b in zip(*curves, strict=True))


@pytest.mark.slow
def test_all_images_but_the_test_images_are_trained_on(
    folder: Path, results: Results, best: list[StoredRun]
) -> None:
    before = {again.id for again in runs(results, "rerun")}
    where = f"tracking.folder={folder}"
    out = printed("rerun", "study=several", "on=train+validation", "seeds=2", where)
    assert "\nchanged: data.train_on train → train+validation\n" in out
    assert "the validation images are trained on as well" in out
    assert not re.search("reproduced|luck|in the search", out)
    new = [again for again in runs(results, "rerun") if again.id not in before]
    assert len(new) == 4, "the baseline is trained on the same images"
    for again in new:
        assert results.config(again.id)["data"]["train_on"] == "train+validation"
    assert {again.tags["data_digest"] for again in new}.isdisjoint({best[0].tags["data_digest"]})
    ours = next(again for again in new if again.tags["rerun_of"] == best[0].id)
    assert "reproduced exactly" in printed("rerun", f"run={ours.id}", where)
    refused = run("sensitivity", f"run={ours.id}", where)
    (told,) = refused.errors
    assert told.startswith("error: data.train_on: must be train: results are compared on")


@pytest.mark.slow
def test_a_setting_typed_as_it_was_is_no_change(
    folder: Path, results: Results, best: list[StoredRun]
) -> None:
    same = f"training.epochs={best[0].params['training.epochs']}"
    out = printed("rerun", "study=several", same, f"tracking.folder={folder}")
    assert "changed" not in out
    assert "reproduced exactly" in out


@pytest.mark.slow
def test_with_another_seed_nothing_is_said_to_be_reproduced(
    folder: Path, results: Results, best: list[StoredRun]
) -> None:
    out = printed("rerun", "study=several", "seed=7", f"tracking.folder={folder}")
    assert "\nchanged: seed 0 → 7\n" in out
    assert "reproduced" not in out
    again = runs(results, "rerun")[-1]
    assert (again.params["seed"], again.tags["changed"]) == (7, "seed 0 → 7")
    curves = results.curve(again.id), results.curve(best[0].id)
    assert not any(a.same_curve(b) for a, b in zip(*curves, strict=True))


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("training.epoch=3", "training.epoch: is not a setting; did you mean training.epochs?"),
        ("training.epochs=0", "training.epochs: must be at least 1 (got 0)"),
        ("training.epochs=2.5", "training.epochs: must be a whole number (got 2.5)"),
        ("training=default", "training: must be a group of settings (got default)"),
        ("model.readout=flatten", "model.readout=flatten needs model.return_sequences=true"),
        ("data.scaling=minmax", "data.scaling: is as in the earlier run, and cannot be changed"),
        ("data=csv", "data: must be a group of settings (got csv)"),
        ("search.trials=9", "search.trials: is a setting of python -m experiments.sweep"),
    ],
)
def test_a_change_that_is_not_possible_is_one_line(typed: str, line: str, folder: Path) -> None:
    ran = run("rerun", "study=several", typed, f"tracking.folder={folder}")
    assert (ran.code, ran.errors) == (2, [f"error: {line}"])


def test_every_setting_of_network_and_training_can_be_changed() -> None:
    defaults = compose("train", TrainConfig, [])
    typed = flatten({group: defaults[group] for group in ("model", "training")})
    assert len(typed) == 9 + 16
    overrides = [f"{path}={scalar_text(value)}" for path, value in typed.items()]
    config = validate(RerunConfig, compose("rerun", RerunConfig, overrides))
    assert config.changes == typed
    assert validate(RerunConfig, compose("rerun", RerunConfig, [])).changes == {}
