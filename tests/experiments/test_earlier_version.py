"""A stopped search of an earlier version is gone on with, reported, inspected and rerun."""

import json
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.tracking.provenance import provenance
from tests.examples import EARLIER_DEFAULTS
from tests.experiments.commands import printed

pytestmark = pytest.mark.slow
ARCHIVE = Path(__file__).parent / "earlier_version" / "mlruns.tar.xz"
SETTINGS = (
    *EARLIER_DEFAULTS,
    "data=digits",
    "study=before",
    "workers.count=1",
    "training.epochs=6",
    "search.trials=9",
    "search.space.model.units.high=24",
    "search.space.model.units.low=8",
    "search.space.training.epochs.low=5",
)
TIMINGS = {"seconds", "images_per_second"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study as the earlier version left it, in another folder than it was made in."""
    made = tmp_path_factory.mktemp("earlier")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(made, filter="data")
    return made / "mlruns"


@pytest.fixture(scope="module")
def is_same_processor(folder: Path) -> bool:
    """Whether this machine rounds as the one that the study was made on."""
    results = Workspace(TrackingConfig(folder=str(folder))).results
    (sweep,) = results.runs(results.experiment("before"), "sweep")
    return sweep.tags["processor"] == provenance("", {}, 0).tags["processor"]


@pytest.fixture(scope="module")
def finished(folder: Path, is_same_processor: bool) -> str:
    """What the same command prints that goes on with the search.

    The search's run then names this machine's processor: the earlier one is looked at before.
    """
    return printed("sweep", *SETTINGS, f"tracking.folder={folder}")


def found(folder: Path) -> list[dict[str, Any]]:
    workspace = Workspace(TrackingConfig(folder=str(folder)))
    names = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
    return [
        {
            "number": trial.number,
            "state": names[trial.state],
            "values": trial.settings,
            "curve": [
                {name: value for name, value in record.items() if name not in TIMINGS}
                for record in trial.records
            ],
        }
        for trial in workspace.finished_trials("before")
    ]


def test_the_search_ends_as_it_would_have(
    finished: str, folder: Path, is_same_processor: bool
) -> None:
    assert "5 of them are done; going on" in finished
    undisturbed = json.loads((folder / "undisturbed.json").read_text())
    trials = found(folder)
    assert [trial["number"] for trial in trials] == list(range(9))
    assert trials[:5] == undisturbed[:5]
    if is_same_processor:
        assert trials == undisturbed


def test_the_runs_of_the_earlier_version_are_gone_on_with(finished: str, folder: Path) -> None:
    results = Workspace(TrackingConfig(folder=str(folder))).results
    runs = results.runs(results.experiment("before"), "trial")
    assert sorted(int(run.tags["trial_number"]) for run in runs) == list(range(9))
    curves = {trial["number"]: trial["curve"] for trial in found(folder)}
    for run in runs:
        curve = [asdict(record) for record in results.curve(run.id)]
        expected = curves[int(run.tags["trial_number"])]
        assert [{n: v for n, v in epoch.items() if n not in TIMINGS} for epoch in curve] == expected


def test_a_trial_of_the_earlier_version_is_reproduced(
    finished: str, folder: Path, is_same_processor: bool
) -> None:
    out = printed(
        "rerun", "study=before", "trial=0", "workers.count=1", f"tracking.folder={folder}"
    )
    assert "trial 0 was made by an earlier version, which noted no digest of the test" in out
    if is_same_processor:
        assert "reproduced exactly: all 6 epochs, to the last bit" in out
    else:
        assert "reproduced exactly" in out or "processor was" in " ".join(out.split())


def test_a_network_of_the_earlier_version_is_looked_into(finished: str, folder: Path) -> None:
    out = printed("inspect", "study=before", "trial=0", "images=1", f"tracking.folder={folder}")
    assert "rows" in out
    assert (folder / "reports" / "before-trial-0-validation-inside.html").exists()


def test_a_report_of_the_study_has_all_of_its_trials(finished: str, folder: Path) -> None:
    page = (folder / "reports" / "before.html").read_text()
    printed("report", "study=before", f"tracking.folder={folder}", f"file={folder / 'again.html'}")
    assert (folder / "again.html").read_text() == page
    assert all(f'id="trial-{number}"' in page for number in range(9))
