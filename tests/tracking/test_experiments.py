"""What people do in MLflow's pages while results are written: delete, rename, edit tags."""

import re
from pathlib import Path

import pytest
from mlflow.entities import ViewType

from mnist_seq.config.commands import ChosenRun
from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import TrackingError
from mnist_seq.tracking.results import Results
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.tracking.trial_recorder import earlier_runs
from tests.tracking.examples import EXAMPLE_NSF, an_epoch


def test_an_experiment_deleted_meanwhile_costs_a_line_and_comes_back_whole(store: Store) -> None:
    told: list[str] = []
    stored: list[int] = []
    with Tracker(store, told.append) as tracker:
        study = tracker.experiment("study")
        run = tracker.start(study, "trial 0", "trial", {}, {"trial_number": "0"})
        run.epoch(an_epoch(1))
        tracker.flush()
        store.client.delete_experiment(study)
        run.epoch(an_epoch(2))
        run.model(b"keras", EXAMPLE_NSF, ["a"], {})
        run.artifact("note.txt", "kept")
        run.finish("FINISHED")
        run.when_stored(lambda: stored.append(0))
        late = tracker.start(study, "trial 1", "trial", {}, {"trial_number": "1"})
        late.epoch(an_epoch(1))
        late.when_stored(lambda: stored.append(1))
        tracker.describe(study, "**what** is searched")
        tracker.flush()
        assert told == [
            "study: was deleted in MLflow, where nothing more is stored; all else goes on"
        ]
        with pytest.raises(TrackingError, match="its experiment was deleted"):
            late.created.result()
    assert stored == [], "both outcomes are kept for the next session"
    assert told[1:] == [
        "study: to bring its experiment back: "
        f"MLFLOW_TRACKING_URI={store.address} mlflow experiments restore --experiment-id {study}; "
        "then the same command stores what is missing"
    ]
    with pytest.raises(TrackingError, match=f"deleted in MLflow.* --experiment-id {study}"):
        Results(store).experiment("study")
    store.client.restore_experiment(study)
    results = Results(store)
    (kept,) = results.runs(results.experiment("study"))
    assert (kept.number, len(results.curve(kept.id))) == (0, 1)


def test_an_experiment_that_is_back_before_the_end_is_told_as_well(store: Store) -> None:
    told: list[str] = []
    with Tracker(store, told.append) as tracker:
        study = tracker.experiment("study")
        run = tracker.start(study, "trial 0", "trial", {}, {"trial_number": "0"})
        tracker.flush()
        store.client.delete_experiment(study)
        run.epoch(an_epoch(1))
        tracker.flush()
        store.client.restore_experiment(study)
        run.epoch(an_epoch(2))
    assert told[1:] == ["study: is back in MLflow; the same command stores what is missing"]
    assert Results(store).curve(str(run.id)) == (), "whole or not at all, until the next session"


def test_a_deleted_run_is_told_with_the_way_back(store: Store) -> None:
    study = store.client.create_experiment("study")
    run = store.client.create_run(study, tags={"role": "trial"}).info.run_id
    place = f"MLFLOW_TRACKING_URI={re.escape(store.address)} mlflow"
    store.client.delete_run(run)
    with pytest.raises(TrackingError, match=f"{run} was deleted .*: {place} runs restore --run-id"):
        Results(store).run(run)
    store.client.delete_experiment(study)
    with pytest.raises(
        TrackingError, match=f": {place} experiments restore --experiment-id {study}"
    ):
        Results(store).config(run)


def test_an_experiment_that_is_deleted_is_not_written_to_again(store: Store) -> None:
    with Tracker(store) as tracker:
        study = tracker.experiment("study")
    store.client.delete_experiment(study)
    with Tracker(store) as tracker, pytest.raises(TrackingError) as refused:
        tracker.experiment("study")
    assert str(refused.value) == (
        "study: was deleted in MLflow; choose another name, or bring it back: "
        f"MLFLOW_TRACKING_URI={store.address} mlflow experiments restore --experiment-id {study}"
    )


@pytest.mark.parametrize("name", ["better", "it's [/red]", "../../x", "a\nb"])
def test_a_renamed_experiment_is_found_by_both_its_names(name: str, store: Store) -> None:
    told: list[str] = []
    with Tracker(store, told.append) as tracker:
        study = tracker.experiment("study")
        run = tracker.start(study, "sweep", "sweep", {}, {"study": "study"})
        tracker.flush()
        store.client.rename_experiment(study, name)
        run.epoch(an_epoch(1))
    assert told == [f"study: its results are in MLflow's experiment {name}"]
    results = Results(store)
    found = results.experiment("study")
    assert found == results.latest_experiment() == results.experiment_of(results.run(str(run.id)))
    assert (found.id, found.name, found.study) == (study, name, "study")
    assert results.experiment(name) == found
    with Tracker(store) as tracker:
        assert tracker.experiment("study") == study
    assert len(results.experiments()) == 1


def test_an_experiment_of_an_earlier_version_is_found_by_its_runs(store: Store) -> None:
    client = store.client
    old = client.create_experiment("study", (store.artifacts / "study").as_uri())
    client.create_run(old, tags={"study": "study", "role": "trial"})
    client.rename_experiment(old, "renamed")
    assert Results(store).experiment("study").name == "renamed"
    with Tracker(store) as tracker:
        assert tracker.experiment("study") == old
    assert client.get_experiment(old).tags["study"] == "study"


def test_names_that_are_taken_are_refused(store: Store) -> None:
    with Tracker(store) as tracker:
        store.client.rename_experiment(tracker.experiment("one"), "two")
        with pytest.raises(TrackingError, match="two: another study's experiment has this name"):
            tracker.experiment("two")
        with pytest.raises(TrackingError, match="Default: is MLflow's own experiment; choose"):
            tracker.experiment("Default")


@pytest.mark.parametrize("tag", ["../../x", "a b", "", "x" * 300])
def test_a_study_tag_that_is_no_name_names_no_file(tag: str, store: Store) -> None:
    study = store.client.create_experiment("study")
    store.client.set_experiment_tag(study, "study", tag)
    assert [one.study for one in Results(store).experiments()] == [f"experiment-{study}"]


# --- tags


def trials(store: Store, count: int = 3) -> str:
    with Tracker(store) as tracker:
        study = tracker.experiment("study")
        for number in range(count):
            tags = {"trial_number": str(number), "study": "study"}
            run = tracker.start(study, f"trial {number}", "trial", {}, tags)
            run.metrics({"best_validation_accuracy": number / 10})
            run.tags({"trial_state": "complete"})
            run.finish("FINISHED")
    return study


@pytest.mark.parametrize(
    ("tag", "value", "found"),
    [
        ("trial_number", "abc", "trial_number is 'abc', not a whole number"),
        ("trial_number", "-1", "trial_number is '-1', not a whole number"),
        ("trial_number", "٣", "trial_number is '٣', not a whole number"),
        ("trial_number", None, "trial_number is missing, not a whole number"),
    ],
)
def test_a_run_with_another_tag_is_left_out_and_named(
    tag: str, value: str | None, found: str, store: Store
) -> None:
    trials(store)
    told: list[str] = []
    results = Results(store, told.append)
    last = dict(results.trials(results.experiment("study")))[2]
    if value is None:
        store.client.delete_tag(last.id, tag)
    else:
        store.client.set_tag(last.id, tag, value)
    for _ in range(2):
        assert sorted(dict(results.trials(results.experiment("study")))) == [0, 1]
    assert earlier_runs(results, "study", "trial", {}, {0, 2}).keys() == {0}
    assert told == [f"trial 2 ({last.id}) is left out: its tag {found}"]


@pytest.mark.parametrize(("value", "found"), [("?", "'?'"), (None, "missing"), ("", "''")])
def test_a_run_in_no_known_state_is_not_the_best(
    value: str | None, found: str, store: Store
) -> None:
    trials(store)
    told: list[str] = []
    results = Results(store, told.append)
    study = results.experiment("study")
    last = dict(results.trials(study))[2]
    if value is None:
        store.client.delete_tag(last.id, "trial_state")
    else:
        store.client.set_tag(last.id, "trial_state", value)
    assert {run.number for run in results.complete(study)} == {0, 1}
    assert told == [
        f"trial 2 ({last.id}) is left out: its tag trial_state is {found}, not complete, pruned, "
        "infeasible or failed"
    ]


def test_the_best_is_found_without_what_has_no_value(store: Store, tmp_path: Path) -> None:
    study = trials(store)
    run = store.client.create_run(study, tags={"role": "trial", "trial_number": "3"})
    store.client.set_tag(run.info.run_id, "trial_state", "complete")
    store.client.set_terminated(run.info.run_id)
    best = ChosenRun(study=None, trial=None, run=None)
    workspace = Workspace(TrackingConfig(folder=str(tmp_path)))
    assert workspace.find_run(best.model_copy(update={"study": "study"}))[1].number == 2


@pytest.mark.parametrize("value", ["many", "-3", "1e3"])
def test_a_count_that_is_none_is_named(value: str, store: Store) -> None:
    study = trials(store, 1)
    (run,) = store.client.search_runs([study], run_view_type=ViewType.ALL)
    store.client.set_tag(run.info.run_id, "validation_images", value)
    with pytest.raises(TrackingError, match=f"its tag validation_images is '{value}', which is"):
        Results(store).run(run.info.run_id).count("validation_images")
