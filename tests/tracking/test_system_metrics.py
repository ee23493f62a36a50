import time
from pathlib import Path

import pytest
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.records import Trial
from mnist_seq.tracking.results import Results, StoredRun
from mnist_seq.tracking.runs import milliseconds
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.system_metrics import SystemMetrics, system_metrics
from mnist_seq.tracking.tracker import Tracker
from tests.examples import config
from tests.tracking.examples import EXAMPLE_NSF, an_epoch

TRIAL = Trial(0, config(), {})


def written(store: Store, seconds: float | None, epochs: int) -> StoredRun:
    """A run to which the machine's load was written while a trial had some epochs."""
    with Tracker(store) as tracker:
        run = tracker.start(tracker.experiment("study"), "sweep", "sweep", {}, {})
        pace = {} if seconds is None else {"seconds": seconds}
        load = SystemMetrics(lambda: run, store.folder, **pace)
        for epoch in range(epochs):
            load.on_epoch_end(TRIAL, an_epoch(epoch + 1))
            time.sleep(0.002)  # MLflow keeps one of two equal values of a millisecond
    return Results(store).run(run.created.result())


def test_the_load_is_written_under_the_names_and_with_the_values_of_mlflows_own_monitor(
    store: Store,
) -> None:
    run = written(store, 0, epochs=1)
    monitor = SystemMetricsMonitor(run.id, tracking_uri=store.address)  # type: ignore[no-untyped-call]
    theirs = monitor.collect_metrics()  # type: ignore[no-untyped-call]
    names = {name for name in theirs if not name.startswith("gpu_")}
    assert run.metrics.keys() == {f"system/{name}" for name in names}
    (memory,) = theirs["system_memory_usage_percentage"]
    assert run.metrics["system/system_memory_usage_percentage"] == pytest.approx(memory, abs=5)
    (disk,) = theirs["disk_usage_percentage"]
    assert run.metrics["system/disk_usage_percentage"] == pytest.approx(disk, abs=1)


@pytest.mark.parametrize(("seconds", "samples"), [(0, 3), (None, 1)])
def test_a_sample_is_written_when_one_is_due_and_not_with_every_epoch(
    store: Store, seconds: float | None, samples: int
) -> None:
    run = written(store, seconds, epochs=3)
    history = store.client.get_metric_history(run.id, "system/cpu_utilization_percentage")
    assert len(history) == samples


def test_the_step_is_the_second_of_the_run_also_when_a_later_session_goes_on(store: Store) -> None:
    with Tracker(store) as tracker:
        study = tracker.experiment("study")
        earlier = store.client.create_run(study, milliseconds() - 100_000, {"role": "sweep"})
        tracker.reopen(earlier.info.run_id).system_metrics({"cpu_utilization_percentage": 50})
    name = "system/cpu_utilization_percentage"
    (point,) = store.client.get_metric_history(earlier.info.run_id, name)
    assert 100 <= point.step < 160


def test_the_load_is_no_metric_of_the_network(store: Store) -> None:
    with Tracker(store) as tracker:
        run = tracker.start(tracker.experiment("study"), "training", "training", {}, {})
        run.system_metrics({"cpu_utilization_percentage": 50})
        run.metrics({"test_accuracy": 0.9})
        run.model(b"a network", EXAMPLE_NSF, ["0", "1"], {})
    stored = Results(store).run(run.created.result())
    assert stored.model_id is not None
    metrics = store.client.get_logged_model(stored.model_id).metrics or []
    assert [metric.key for metric in metrics] == ["test_accuracy"]


def test_nothing_is_written_unless_asked_for(tmp_path: Path) -> None:
    tracking = TrackingConfig(folder=str(tmp_path))
    assert system_metrics(tracking, pytest.fail) == []
    asked = TrackingConfig(folder=str(tmp_path), system_metrics=True)
    assert len(system_metrics(asked, pytest.fail)) == 1
