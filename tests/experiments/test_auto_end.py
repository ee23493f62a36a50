"""A sweep that ends by itself, whole, on the digits."""

from pathlib import Path

import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.search.trials import LEAST_COMPLETE
from tests.experiments.commands import printed

SWEEP = (
    "data=digits",
    "study=auto",
    "search.baselines=[]",
    "search.pruner=none",
    "training.epochs=1",
    "training.batch_size=64",
    "search.space={training: {learning_rate: {low: 0.001, high: 0.1, log: true}}}",
)
ENDED = "the search has ended: 3 more trials are expected to gain "


def trials(folder: Path) -> int:
    results = Workspace(TrackingConfig(folder=str(folder))).results
    return len(results.trials(results.experiment("auto")))


@pytest.mark.slow
def test_it_ends_says_why_and_goes_on_when_asked_for_more(tmp_path: Path) -> None:
    command = (*SWEEP, f"tracking.folder={tmp_path}")
    said = printed("sweep", *command, "search.trials=auto", "search.most_trials=30")
    count = trials(tmp_path)
    assert "at most 30 trials on digits" in said
    (why,) = [line for line in said.splitlines() if line.startswith(ENDED)]
    assert LEAST_COMPLETE <= count < 30
    again = printed("sweep", *command, "search.trials=auto", "search.most_trials=30")
    assert f"{count} of them are done, and {why}; search.trials={count + 20} adds more" in again
    assert trials(tmp_path) == count
    printed("sweep", *command, f"search.trials={count + 1}")
    assert trials(tmp_path) == count + 1
