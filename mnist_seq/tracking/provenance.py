"""Provenance of a result: command, code, data, library versions and machine."""

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mnist_seq.data.digests import Digests, as_tags
from mnist_seq.workers.fingerprint import Fingerprint, processor

LIBRARIES = (
    "mnist-seq",  # where it was installed; in a clone the commit says more
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "optuna",
    "mlflow",
    "distributed",
    "hydra-core",
    "numpy",
)
# A curve may depend on these, and on the versions of the libraries.
DECIDING = (
    *("git_commit", "machine", "processor", "python", "xla_flags"),
    *("worker_code", "worker_libraries", "worker_arithmetic"),
)


@dataclass(frozen=True)
class Provenance:
    """Information needed to reproduce a result, as tags, with the uncommitted changes.

    Attributes
    ----------
    tags : mapping
        Command, commit, versions, machine and flags for XLA, by name.
    diff : bytes
        What was not committed; empty where all was, or where there is no repository.
    """

    tags: Mapping[str, str]
    diff: bytes


def provenance(command: str, data: Digests, seed: int) -> Provenance:
    """Collect the provenance of a result that the current process computes."""
    # An environment may lie in the folder of another project, whose commit says nothing of ours.
    is_ours = _git("ls-files", "--", Path(__file__).name)
    commit = _git("rev-parse", "HEAD").decode() if is_ours else ""
    # Its files need not be UTF-8.
    diff = _git("diff", "--no-color", "--no-ext-diff", "HEAD") if is_ours else b""
    tags = {
        "command": command,
        # MLflow's own columns.
        "mlflow.source.name": _program(command),
        "mlflow.source.type": "LOCAL",
        **as_tags(data),
        "seed": str(seed),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "xla_flags": os.environ.get("XLA_FLAGS", "none"),
    }
    for library in LIBRARIES:
        if (installed := installed_version(library)) is not None:
            tags[f"version_{library}"] = installed
    if commit:
        # Two states of the same commit are two codes.
        changed = f" with changes {blake2b(diff, digest_size=4).hexdigest()}" if diff else ""
        tags["git_commit"] = commit.strip() + changed
        tags["mlflow.source.git.commit"] = commit.strip()
    return Provenance(tags, diff)


def worker_tags(found: Fingerprint | None) -> dict[str, str]:
    """Tags of what a cluster's workers compute with, in place of this machine's; else empty."""
    if found is None:
        return {}
    return {
        "processor": found.processor,
        "xla_flags": found.xla_flags,
        "worker_code": found.code,
        "worker_libraries": found.libraries,
        "worker_arithmetic": found.arithmetic,
    }


def changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Differences in code, versions or machine that may explain why two runs' curves differ."""
    return [
        f"{name.removeprefix('version_')} was {then.get(name, 'not noted')}, "
        f"is {now.get(name, 'not noted')}"
        for name in sorted({*then, *now})
        if (name in DECIDING or name.startswith("version_")) and then.get(name) != now.get(name)
    ]


def installed_version(distribution: str) -> str | None:
    """The version of a package, by its name on PyPI; None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _program(command: str) -> str:
    """Return the module that a command line runs: experiments.sweep."""
    words = command.split()
    return words[2] if words[:2] == ["python", "-m"] and len(words) > 2 else command


def _git(*arguments: str) -> bytes:
    """Return what git prints; nothing where there is no repository."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
