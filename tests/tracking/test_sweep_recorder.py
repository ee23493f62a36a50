from mnist_seq.config.commands import SweepConfig
from mnist_seq.records import Trial, TrialOutcome
from mnist_seq.terminal.progress import Progress
from mnist_seq.tracking.provenance import Provenance
from mnist_seq.tracking.results import Results
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.sweep_recorder import SweepRecorder, experiment_description
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.tracking.trial_recorder import EarlierRun
from tests.examples import config, sweep_config
from tests.tracking.examples import an_epoch, saved_view

SPACE = {
    "model.units": {"low": 16, "high": 128, "log": True},
    "training.epochs": {"low": 3, "high": 9, "step": 2},
    "training.clip_norm": {"choices": [None, 0.123456]},
    "model.readout": {"choices": ["mean", "max"], "when": {"model.return_sequences": True}},
}
VALUES = sweep_config("data=digits").model_dump()
CONFIG = SweepConfig.model_validate(VALUES | {"search": VALUES["search"] | {"space": SPACE}})
TABLE = """\
| searched | values | |
| --- | --- | --- |
| `model.units` | 16 to 128, log scale |  |
| `training.epochs` | 3 to 9, step 2 |  |
| `training.clip_norm` | null, 0.123 |  |
| `model.readout` | mean, max | where model.return_sequences=true |"""


def some_progress() -> Progress:
    """Two of ten trials: the baseline is the best, the other one failed."""
    progress = Progress(10, "validation_accuracy")
    baseline = Trial(0, config(), {"model.units": 64})
    progress.on_epoch_end(baseline, an_epoch(1))
    progress.on_trial_end(baseline, TrialOutcome("complete", (an_epoch(1),), an_epoch(1)))
    failed = TrialOutcome("failed", (), None, reason="memory: none left")
    progress.on_trial_end(Trial(1, config(), {}), failed)
    return progress


def test_the_description_says_how_far_the_search_is_and_what_is_searched() -> None:
    before = experiment_description(CONFIG, Progress(10, "validation_accuracy"))
    assert before == f"**0 of 10 trials**\n\n{TABLE}"
    lines = experiment_description(CONFIG, some_progress()).split("\n\n")
    assert lines[0] == (
        "**2 of 10 trials** (1 complete, 1 failed): best **70.00 %** in trial 0, the baseline"
    )
    assert lines[1:] == ["Trial 0: units=64", TABLE]


def test_a_sweep_has_a_run_of_its_own_that_a_later_session_goes_on_with(store: Store) -> None:
    provenance = Provenance({"git_commit": "abc"}, b"a change")
    progress = some_progress()
    earlier = None
    for is_complete, status in ((False, "KILLED"), (True, "FINISHED")):
        with Tracker(store) as tracker:
            experiment = tracker.experiment("study")
            recorder = SweepRecorder(
                tracker, experiment, "study", CONFIG, progress, provenance, 60, earlier
            )
            recorder.on_trial_end(*progress.outcomes[0])
            recorder.finish(is_complete)
        results = Results(store)
        (run,) = results.runs(results.experiment("study"), "sweep")
        assert run.status == status
        earlier = EarlierRun(run.id, 0)
    seconds, started = run.tags["wall_seconds"], run.tags["last_started"]
    assert run.tags == {
        "role": "sweep",
        "study": "study",
        "git_commit": "abc",
        "validation_images": "60",
        "trials_complete": "1",
        "trials_pruned": "0",
        "trials_infeasible": "0",
        "trials_failed": "1",
        "wall_seconds": seconds,
        "last_started": started,
        "best_trial": "0",
        "best": "70.00 %",
    }
    search = CONFIG.search
    assert run.params == {"search.sampler": search.sampler, "search.pruner": search.pruner}
    assert run.metrics == {}
    assert results.config(run.id) == CONFIG.model_dump()
    assert (results.file(run.id, "uncommitted.diff")).read_text() == "a change"
    described = store.client.get_experiment(run.experiment_id).tags["mlflow.note.content"]
    assert described == experiment_description(CONFIG, progress)


def test_the_latest_study_is_the_one_that_was_gone_on_with_last(store: Store) -> None:
    def swept(study: str, earlier: EarlierRun | None = None) -> EarlierRun:
        with Tracker(store) as tracker:
            experiment = tracker.experiment(study)
            facts = some_progress(), Provenance({}, b""), 60
            SweepRecorder(tracker, experiment, study, CONFIG, *facts, earlier).finish(True)
        (run,) = Results(store).runs(Results(store).experiment(study), "sweep")
        return EarlierRun(run.id, 0)

    first = swept("first")
    swept("second")
    assert Results(store).latest_experiment().name == "second"
    assert swept("first", first) == first, "it is gone on with in the same run"
    assert [each.name for each in Results(store).latest_experiments(2)] == ["first", "second"]


def test_a_view_of_the_trials_is_prepared_for_mlflow(store: Store) -> None:
    provenance = Provenance({}, b"")
    with Tracker(store) as tracker:
        experiment = tracker.experiment("study")
        assert Results(store).experiment("study").views == set()
        SweepRecorder(
            tracker, experiment, "study", CONFIG, some_progress(), provenance, 60, None
        ).finish(is_complete=True)
    assert Results(store).experiment("study").views == {"trials"}
    view = saved_view(store, experiment, "trials")
    columns = ["metrics.`best_validation_accuracy`", *(f"params.`{path}`" for path in SPACE)]
    assert view["selectedColumns"] == [*columns, "attributes.`Dataset`"]
    charts = {chart["metricSectionId"] for chart in view["compareRunCharts"]}
    assert charts == {section["uuid"] for section in view["compareRunSections"]}
