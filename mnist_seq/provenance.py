"""Where a result comes from: command, code, libraries, machine."""

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "optuna",
    "mlflow",
    "distributed",
    "hydra-core",
    "numpy",
)
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Provenance:
    """What it takes to do the same again.

    Attributes
    ----------
    command : str
        As it was typed.
    tags : mapping
        Command, commit, versions and machine, by name.
    diff : str
        What was not committed; empty where all was, or where there is no repository.
    """

    command: str
    tags: Mapping[str, str]
    diff: str


def provenance(command: str, data_digest: str, seed: int) -> Provenance:
    """Provenance of what this process is about to do."""
    commit, diff = _git("rev-parse", "HEAD"), _git("diff", "HEAD")
    tags = {
        "command": command,
        "data_digest": data_digest,
        "seed": str(seed),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
    for library in LIBRARIES:
        try:
            tags[f"version_{library}"] = version(library)
        except PackageNotFoundError:
            continue
    if commit:
        tags["git_commit"] = commit.strip() + (" with changes" if diff else "")
    return Provenance(command, tags, diff)


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", HERE, *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
