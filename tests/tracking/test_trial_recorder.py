import pytest

from mnist_seq.data.digests import as_tags
from mnist_seq.errors import TrackingError
from mnist_seq.records import FinalState, TrainResult, Trial, TrialOutcome
from mnist_seq.tracking.results import Results, StoredRun
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Role, Tracker
from mnist_seq.tracking.trial_recorder import EarlierRun, TrialRecorder, earlier_runs
from tests.examples import config, few
from tests.tracking.examples import an_epoch, saved_view

RECORDS = (an_epoch(1, 0.5), an_epoch(2, 0.3), an_epoch(3, 0.4))


def a_trial(number: int = 0) -> Trial:
    return Trial(number, config(), {"training.optimizer": "adam"})


def an_outcome(state: FinalState, epochs: int = 3, reason: str | None = None) -> TrialOutcome:
    records = RECORDS[:epochs]
    result = TrainResult(records, 2, 1234, b"a network") if state == "complete" else None
    best = RECORDS[1] if epochs else None
    return TrialOutcome(state, records, best, result, reason)


def a_recorder(
    tracker: Tracker,
    earlier: dict[int, EarlierRun] | None = None,
    stored: list[int] | None = None,
    role: Role = "trial",
) -> TrialRecorder:
    return TrialRecorder(
        tracker,
        tracker.experiment("study"),
        role,
        lambda _: few(),
        {"study": "study"},
        earlier or {},
        (stored if stored is not None else []).append,
        ["model.readout"],
    )


def trials(store: Store) -> list[StoredRun]:
    results = Results(store)
    found = results.runs(results.experiment("study"), "trial")
    return sorted(found, key=lambda run: run.tags["trial_number"])  # started in one millisecond


def named_data(store: Store, run: StoredRun) -> dict[str, tuple[str, str]]:
    """Name and digest in MLflow's column of datasets, by the part."""
    inputs = store.client.get_run(run.id).inputs
    assert inputs is not None
    return {
        each.tags[0].value: (each.dataset.name, each.dataset.digest)
        for each in inputs.dataset_inputs
    }


def test_a_complete_trial_is_a_run_with_its_settings_its_curve_and_its_network(
    store: Store,
) -> None:
    trial, stored = a_trial(), list[int]()
    with Tracker(store) as tracker:
        recorder = a_recorder(tracker, stored=stored)
        recorder.on_trial_start(trial)
        for record in RECORDS:
            recorder.on_epoch_end(trial, record)
        recorder.on_trial_end(trial, an_outcome("complete"))
    assert stored == [0]
    (run,) = trials(store)
    assert (run.name, run.status) == ("trial 0", "FINISHED")
    assert run.tags == {
        "study": "study",
        "role": "trial",
        "trial_number": "0",
        **as_tags(few().digests),
        "trial_state": "complete",
    }
    assert run.params == {
        "model.units": 6,
        "model.return_sequences": False,
        "training.learning_rate": 0.01,
        "training.batch_size": 28,
        "training.epochs": 3,
        "training.optimizer": "adam",
        "model.readout": "last",
    }
    assert named_data(store, run) == {
        part: (config().data.source, few().part_digests[part])
        for part in ("training", "validation")
    }
    single = {
        "best_validation_loss": 0.3,
        "best_validation_accuracy": 0.7,
        "trained_epochs_to_best": 2,
        "trained_epochs": 3,
        "trained_seconds": 0.75,
        "trained_parameters": 1234,
    }
    assert run.metrics.items() >= single.items()
    results = Results(store)
    assert results.curve(run.id) == RECORDS
    assert results.config(run.id) == trial.config.model_dump()
    assert results.model_file(run.id).read_bytes() == b"a network"
    files = sorted(file.name for file in results.file(run.id, ".").iterdir())
    assert files == ["config.yaml", "curves.svg", "model.keras"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (an_outcome("pruned", 2), "FINISHED"),
        (an_outcome("failed", 0, "memory: it needs more"), "FAILED"),
    ],
)
def test_how_a_trial_ended_is_seen_from_its_name(
    store: Store, outcome: TrialOutcome, status: str
) -> None:
    with Tracker(store) as tracker:
        recorder = a_recorder(tracker)
        recorder.on_trial_start(a_trial())
        recorder.on_trial_end(a_trial(), outcome)
    (run,) = trials(store)
    assert (run.name, run.status) == (f"trial 0 ({outcome.state})", status)
    assert run.tags.get("reason") == outcome.reason
    assert Results(store).curve(run.id) == outcome.records  # which the callback was not told of
    assert run.model_id is None


def test_an_interrupted_trial_goes_on_in_its_run_and_no_epoch_is_written_twice(
    store: Store,
) -> None:
    with Tracker(store) as tracker:
        recorder = a_recorder(tracker)
        for trial in (a_trial(0), a_trial(1)):
            recorder.on_trial_start(trial)
            for record in RECORDS[:2]:
                recorder.on_epoch_end(trial, record)
        recorder.on_trial_end(a_trial(1), an_outcome("pruned", 2))
        recorder.interrupt()
    interrupted, pruned = trials(store)
    assert (interrupted.status, pruned.status) == ("KILLED", "FINISHED")

    earlier = earlier_runs(Results(store), "study", "trial", {"study": "study"}, set())
    assert earlier == {0: EarlierRun(interrupted.id, 2)}
    with Tracker(store) as tracker:
        recorder = a_recorder(tracker, earlier)
        recorder.on_trial_start(a_trial())
        for record in RECORDS[1:]:  # its state after the second epoch had not been saved
            recorder.on_epoch_end(a_trial(), record)
        recorder.on_trial_end(a_trial(), an_outcome("complete"))
    assert [run.id for run in trials(store)] == [interrupted.id, pruned.id]
    history = store.client.get_metric_history(interrupted.id, "train_loss")
    assert [point.step for point in history] == [1, 2, 3]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"source": "csv", "train_file": "in/a.csv", "test_file": "in/b.csv"}, ("a.csv", "b.csv")),
        ({"source": "images", "folder": "in/letters/"}, ("letters", "letters")),
    ],
)
def test_a_run_that_scores_the_test_images_names_them_too(
    files: dict[str, str], names: tuple[str, str], store: Store
) -> None:
    chosen = config().model_copy(update={"data": config().data.model_copy(update=files)})
    with Tracker(store) as tracker:
        recorder = a_recorder(tracker)
        recorder.on_trial_start(Trial(0, chosen, {}))
        for _ in range(2):  # the second time by a session that goes on
            recorder.name_test_images(0, chosen)
    digests = few().part_digests
    assert named_data(store, trials(store)[0]) == {
        "training": (names[0], digests["training"]),
        "validation": (names[0], digests["validation"]),
        "test": (names[1], digests["test"]),
    }


@pytest.mark.parametrize(
    ("role", "views"),
    [("rerun", {"reruns"}), ("sensitivity", {"sensitivity"}), ("training", set())],
)
def test_the_first_run_of_a_kind_comes_with_a_view_of_its_kind(
    store: Store, role: Role, views: set[str]
) -> None:
    with Tracker(store) as tracker:
        recorder = a_recorder(tracker, role=role)
        tracker.flush()
        assert Results(store).experiment("study").views == set()
        recorder.on_trial_start(a_trial())
    study = Results(store).experiment("study")
    assert study.views == views
    for key in views:
        view = saved_view(store, study.id, key)
        assert view["searchFilter"] == f"tags.role = '{role}'"
        assert len(store.client.search_runs([study.id], view["searchFilter"])) == 1
        charts = {chart["metricSectionId"] for chart in view["compareRunCharts"]}
        assert charts == {section["uuid"] for section in view["compareRunSections"]}


def test_earlier_runs_have_the_tags_and_the_latest_of_a_number_counts(store: Store) -> None:
    with Tracker(store) as tracker:
        experiment = tracker.experiment("study")
        for digest in ("a", "a", "b"):
            tags = {"trial_number": "4", "unfinished": digest}
            tracker.start(experiment, "rerun 4", "rerun", {}, tags).finish("FINISHED")
            tracker.flush()
    results = Results(store)
    second = results.runs(results.experiment("study"))[1]
    mark = {"unfinished": "a"}
    assert earlier_runs(results, "study", "rerun", mark, {4}) == {4: EarlierRun(second.id, 0)}
    assert earlier_runs(results, "study", "rerun", mark, set()) == {}
    with pytest.raises(TrackingError, match="no study other"):
        earlier_runs(results, "other", "rerun", mark, set())
