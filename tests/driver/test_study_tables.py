import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Values
from mnist_seq.driver.study_tables import study_tables
from mnist_seq.records import parse_records
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.pages.trial_tables import comparison_table
from mnist_seq.search.trials import finished_trials, running_trials
from mnist_seq.tracking.results import StoredRun
from tests.examples import sweep_config

ORIGINAL = {
    "model.units": 50,
    "model.return_sequences": False,
    "training.learning_rate": 0.001,
    "training.batch_size": 28,
    "training.epochs": 10,
}
WIDER = {**ORIGINAL, "model.units": 100}
SWEEP = StoredRun(
    id="0" * 32,
    experiment_id="1",
    name="sweep",
    status="FINISHED",
    role="sweep",
    params={},
    metrics={},
    tags={"validation_images": "6000"},
    start=datetime(2026, 1, 1, tzinfo=UTC),
    end=datetime(2026, 1, 1, tzinfo=UTC),
    model_id=None,
)


def tables(config: SweepConfig, *accuracies: float) -> StudyTables:
    """A study of the original network and wider ones, each with a curve of one epoch."""
    over: list[Any] = [
        SimpleNamespace(
            number=number,
            state="complete",
            settings=WIDER if number else ORIGINAL,
            reason=None,
            records=[record(accuracy)],
        )
        for number, accuracy in enumerate(accuracies)
    ]
    return study_tables("study", config, finished_trials(config, over), {}, SWEEP)


def record(accuracy: float) -> dict[str, float]:
    return {
        "epoch": 1,
        "train_loss": 0.1,
        "train_accuracy": 0.9,
        "validation_loss": 0.1,
        "validation_accuracy": accuracy,
        "learning_rate": 0.001,
        "seconds": 1.0,
        "images_per_second": 100.0,
    }


def rows(html: str) -> Mapping[str, list[str]]:
    """Cells of a table in HTML, by the names of its rows; those in bold with a star."""
    found = {}
    for name, cells in re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', html):
        bold = cells.replace('<td class="differs">', "<td>*")
        found[name.replace("<wbr>", "")] = re.findall(r"<td>(.*?)</td>", bold)
    return found


def test_what_the_baseline_alone_was_given_is_a_row_beside_the_best() -> None:
    default = sweep_config()
    assert default.search.baselines[0]["training.schedule"] == "constant"
    table = rows(comparison_table(tables(default, 0.98, 0.99)))
    assert table["training.schedule (not searched)"] == ["*cosine", "*constant"]
    assert table["model.units"] == ["*100", "*50"]
    assert table["training.batch_size"] == ["28", "28"]


def test_every_setting_in_which_the_two_trainings_differ_is_a_row() -> None:
    fixed = "search.baselines=[{model.dropout: 0.3, training.clip_norm: 1.0, data.scaling: minmax}]"
    table = rows(comparison_table(tables(sweep_config(fixed), 0.98, 0.99)))
    assert {name: cells for name, cells in table.items() if "not searched" in name} == {
        "data.scaling (not searched)": ["*unit", "*minmax"],
        "model.dropout (not searched)": ["*0", "*0.3"],
        "training.clip_norm (not searched)": ["*null", "*1"],
    }


def test_a_second_baseline_that_is_best_is_told_apart_by_what_it_was_given() -> None:
    both = "search.baselines=[{training.schedule: constant}, {training.optimizer: sgd}]"
    table = rows(comparison_table(tables(sweep_config(both), 0.98, 0.99, 0.97)))
    assert table["training.schedule (not searched)"] == ["*cosine", "*constant"]
    assert table["training.optimizer (not searched)"] == ["*sgd", "*adam"]


def test_settings_that_are_alike_are_no_rows() -> None:
    alike = "search.baselines=[{model.units: 50}]"
    assert not [
        n for n in rows(comparison_table(tables(sweep_config(alike), 0.98, 0.99))) if "not" in n
    ]


def test_a_baseline_that_is_itself_the_best_is_compared_with_nothing() -> None:
    table = rows(comparison_table(tables(sweep_config(), 0.99, 0.98)))
    assert "training.schedule (not searched)" not in table
    assert table["model.units"] == ["50"]


def test_a_trial_that_runs_has_its_curve_so_far_and_is_no_rival() -> None:
    default = sweep_config()
    running: dict[int, Values] = {1: {**WIDER}, 2: {"model.units": -1}}
    trials = running_trials(default, running)
    curve = parse_records([record(0.97), record(0.99) | {"epoch": 2}])
    both = study_tables("study", default, [], {}, SWEEP, [(trial, curve) for trial in trials])
    (row,) = both.trials.to_dict("records")  # what would be refused is left out
    assert (row["number"], row["state"], row["model.units"]) == (1, "running", 100)
    assert (row["value"], row["best_epoch"], row["epochs"]) == (0.99, 2, 2)
    assert list(both.curve(1)["validation_accuracy"]) == [0.97, 0.99]
    assert both.best is None
