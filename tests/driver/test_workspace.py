from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mnist_seq.config.commands import ChosenRun
from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import StoreError
from mnist_seq.tracking.tracker import Tracker


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An empty one."""
    return Workspace(TrackingConfig(folder=str(tmp_path_factory.mktemp("runs"))), create=True)


@pytest.mark.parametrize("chosen", [".", "/", "..", "new/", "there", "there/", "/tmp", "///"])
def test_a_folder_is_told_to_be_one_and_how_a_file_in_it_is_named(
    chosen: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    with pytest.raises(StoreError, match=r"is a folder; name a file in it, as \S*\.html$"):
        workspace.report_file("study.html", chosen)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_report_goes_where_it_shall_or_to_the_tracking_folder(workspace: Workspace) -> None:
    assert workspace.report_file("study.html", "new/a.html") == Path("new/a.html")
    assert workspace.report_file("a.html", None) == workspace.folder / "reports" / "a.html"


@pytest.mark.parametrize(
    ("objective", "best"), [("validation_accuracy", 0), ("validation_loss", 1)]
)
def test_the_best_trial_is_best_in_what_was_searched_for(
    objective: str, best: int, tmp_path: Path
) -> None:
    workspace = Workspace(TrackingConfig(folder=str(tmp_path)), create=True)
    with Tracker(workspace.store) as tracker:
        experiment = tracker.experiment("study")
        sweep = tracker.start(experiment, "sweep", "sweep", {}, {})
        sweep.config({"search": {"objective": objective}})
        for number, (accuracy, loss) in enumerate([(0.95, 0.3), (0.94, 0.2)]):
            tags = {"trial_number": str(number), "trial_state": "complete"}
            run = tracker.start(experiment, f"trial {number}", "trial", {}, tags)
            values = {"best_validation_accuracy": accuracy, "best_validation_loss": loss}
            run.metrics(values)
            run.finish("FINISHED")
    choice = ChosenRun(study="study", trial=None, run=None)
    assert workspace.find_run(choice)[1].tags["trial_number"] == str(best)


def test_a_study_is_running_since_its_lock_was_taken_and_no_longer_than_it_is_held(
    workspace: Workspace,
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)  # times of files are coarse
    assert not workspace.is_running("mine")
    with workspace.lock("mine", "mine"):
        assert workspace.is_running("mine")
        since = workspace.running_since("mine")
        assert since is not None
        assert before < since <= datetime.now(UTC)
    assert not workspace.is_running("mine")
    assert workspace.running_since("mine") is None
