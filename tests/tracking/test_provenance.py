import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.tracking import provenance as provenance_module
from mnist_seq.tracking.provenance import changes, installed_version, provenance


def test_tags_name_command_data_seed_versions_and_commit() -> None:
    made_by = provenance("python -m experiments.train", {"data": "0123"}, 7)
    tags = made_by.tags
    assert (tags["command"], tags["data_digest"], tags["seed"]) == (
        "python -m experiments.train",
        "0123",
        "7",
    )
    assert tags["mlflow.source.name"] == "experiments.train"
    assert tags["version_numpy"] == np.__version__
    assert tags["python"] == platform.python_version()
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    head = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    commit, _, changed = tags.get("git_commit", "").partition(" with changes ")
    assert commit == head
    assert bool(changed) == bool(made_by.diff)


def test_changes_are_those_that_may_make_curves_differ() -> None:
    then = {"python": "3.11.1", "version_keras": "3.15.0", "command": "a", "machine": "Linux"}
    now = {"python": "3.11.7", "version_optuna": "5.0.0", "command": "b", "machine": "Linux"}
    assert changes(then, now) == [
        "python was 3.11.1, is 3.11.7",
        "keras was 3.15.0, is not noted",
        "optuna was not noted, is 5.0.0",
    ]
    assert changes(then, then) == []


def test_what_is_not_installed_has_no_version() -> None:
    assert installed_version("numpy") == np.__version__
    assert installed_version("surely-not-installed") is None


@pytest.mark.parametrize(
    "changed",
    [b"caf\xe9\n", "# \N{SNOWMAN}\n".encode("utf-16"), bytes(range(1, 256)) + b"\n", b"\xff\xfe"],
)
def test_changes_that_are_not_utf_8_are_kept_as_they_are(
    changed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@localhost"]
    file = tmp_path / "notes.txt"
    file.write_bytes(b"plain\n")
    (tmp_path / "code.py").touch()
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    file.write_bytes(changed)
    monkeypatch.setattr(provenance_module, "__file__", str(tmp_path / "code.py"))
    made_by = provenance("python -m experiments.train", {"data": "0123"}, 7)
    commit, _, state = made_by.tags["git_commit"].partition(" with changes ")
    assert state
    file.write_bytes(b"other\n")
    other = provenance("python -m experiments.train", {"data": "0123"}, 7).tags["git_commit"]
    assert other.startswith(f"{commit} with changes ")
    assert other != made_by.tags["git_commit"], "two states of a commit"
    file.write_bytes(b"plain\n")
    if b"\0" not in changed:  # of other files git says only that they differ
        subprocess.run([*git, "apply"], input=made_by.diff, check=True)
        assert file.read_bytes() == changed


def test_the_commit_of_a_project_that_holds_only_the_environment_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@localhost"]
    (tmp_path / "theirs.txt").write_text("theirs")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    (tmp_path / "provenance.py").touch()
    (tmp_path / "theirs.txt").write_text("changed")
    monkeypatch.setattr(provenance_module, "__file__", str(tmp_path / "provenance.py"))
    made_by = provenance("mnist-seq train", {"data": "0123"}, 7)
    assert "git_commit" not in made_by.tags
    assert made_by.diff == b""
