import shlex

import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.terminal.display import console
from mnist_seq.terminal.summary import print_findings, print_next_commands


@pytest.mark.parametrize(
    "folder", ["my runs", "it's", "a&b;c", "[/red]", "$HOME #1", "[bold]x", "ü (2)", "mlruns"]
)
def test_a_command_that_is_printed_can_be_typed(folder: str) -> None:
    with console.capture() as captured:
        print_next_commands(TrackingConfig(folder=folder), ("ui study=digits-1", "why"))
    words = shlex.split(captured.get(), comments=True)
    expected = ["python", "-m", "experiments.ui", "study=digits-1"]
    assert words == expected + ([] if folder == "mlruns" else [f"tracking.folder={folder}"])


@pytest.mark.parametrize("columns", ["0", "1", "17"])
def test_findings_are_printed_however_narrow_the_terminal(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with console.capture() as captured:
        print_findings(["a finding in some words"])
    assert captured.get().split()[:3] == ["-", "a", "finding"]
