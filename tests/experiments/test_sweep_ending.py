"""How a sweep ends: its exit code and what it offers to type next."""

import shlex

import pytest

from mnist_seq.api.study import Study
from mnist_seq.config.validation import with_values
from mnist_seq.driver import sweep as driver
from mnist_seq.driver import workspace
from mnist_seq.records import EpochRecord, Trial, TrialOutcome
from mnist_seq.terminal.progress import Progress
from mnist_seq.terminal.summary import print_summary
from mnist_seq.workers import forkserver
from tests.examples import config
from tests.experiments.commands import Ran, run

EPOCH = EpochRecord(1, 0.1, 0.9, 0.1, 0.97, 0.001, 1.0, 100.0)


def ran(outcomes: list[TrialOutcome], monkeypatch: pytest.MonkeyPatch) -> Ran:
    """The command, with a search that has ended with these outcomes."""
    progress = Progress(len(outcomes), "validation_accuracy")
    for number, outcome in enumerate(outcomes):
        trial = Trial(number, with_values(config(), {}), {})
        for record in outcome.records:
            progress.on_epoch_end(trial, record)
        progress.on_trial_end(trial, outcome)

    def ended(*_: object) -> driver.SweepResult:
        print_summary(progress)
        return driver.SweepResult("mine", progress, is_complete=True)

    monkeypatch.setattr(driver, "sweep", ended)
    monkeypatch.setattr(workspace, "Workspace", lambda _: None)
    monkeypatch.setattr(Study, "has_best", progress.count("complete") > 0)
    monkeypatch.setattr(forkserver, "start", lambda: None)
    return run("sweep", "data=digits", "tracking.folder=my runs")


@pytest.mark.parametrize("records", [(), (EPOCH,)])
def test_a_sweep_in_which_every_trial_failed_fails_and_offers_no_rerun(
    records: tuple[EpochRecord, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    best = records[-1] if records else None
    bad = TrialOutcome("failed", records, best, None, "not finite: the loss is not finite")
    ended = ran([bad, bad], monkeypatch)
    assert ended.code == 1
    assert ended.errors == ["failed: every trial of the study ended without a result"]
    assert "failed, not finite: trial 0, 1" in ended.out
    assert "python -m" not in ended.out


@pytest.mark.parametrize(
    ("state", "offered"), [("complete", ["ui", "rerun", "sensitivity"]), ("pruned", ["ui"])]
)
def test_a_sweep_offers_what_can_be_done_with_its_trials(
    state: str, offered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = TrialOutcome(state, (EPOCH,), EPOCH)  # type: ignore[arg-type]  # a state by name
    bad = TrialOutcome("failed", (), None, None, "hang: no epoch")
    ended = ran([good, bad], monkeypatch)
    lines = [line for line in ended.out.splitlines() if "python -m" in line]
    words = [shlex.split(line, comments=True) for line in lines]
    assert ended.code == 0
    assert words == [
        ["python", "-m", f"experiments.{name}", "study=mine", "tracking.folder=my runs"]
        for name in offered
    ]
