import platform
import subprocess
from pathlib import Path

import numpy as np

from mnist_seq.tracking.provenance import changes, installed_version, provenance


def test_tags_name_command_data_seed_versions_and_commit() -> None:
    made_by = provenance("python -m experiments.train", {"data": "0123"}, 7)
    tags = made_by.tags
    assert (tags["command"], tags["data_digest"], tags["seed"]) == (
        "python -m experiments.train",
        "0123",
        "7",
    )
    assert tags["version_numpy"] == np.__version__
    assert tags["python"] == platform.python_version()
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    head = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    changed = " with changes" if made_by.diff else ""
    assert tags.get("git_commit", "") == (head + changed if head else "")


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
