"""Where a result comes from: command, code, libraries, machine."""

import os
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
CPUINFO = Path("/proc/cpuinfo")  # of Linux, where Python does not know the processor's name
# A curve may hang on these, and on the versions of the libraries.
DECIDING = ("git_commit", "machine", "processor", "python", "xla_flags")


@dataclass(frozen=True)
class Provenance:
    """What it takes to do the same again.

    Attributes
    ----------
    command : str
        As it was typed.
    tags : mapping
        Command, commit, versions, machine and flags for XLA, by name.
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
        "processor": _processor(),
        "xla_flags": os.environ.get("XLA_FLAGS", "none"),
    }
    for library in LIBRARIES:
        try:
            tags[f"version_{library}"] = version(library)
        except PackageNotFoundError:
            continue
    if commit:
        tags["git_commit"] = commit.strip() + (" with changes" if diff else "")
    return Provenance(command, tags, diff)


def changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs between the tags of two runs, of all that may make their curves differ."""
    names = sorted(
        name for name in {*then, *now} if name in DECIDING or name.startswith("version_")
    )
    return [
        f"{name.removeprefix('version_')} was {then.get(name, 'not noted')}, "
        f"is {now.get(name, 'not noted')}"
        for name in names
        if then.get(name) != now.get(name)
    ]


def _processor() -> str:
    """Its name; with family and model on Linux, where different ones may share a name."""
    if not CPUINFO.exists():
        return platform.processor() or "unknown"
    first = CPUINFO.read_text().partition("\n\n")[0]
    told = {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in first.splitlines())
    }
    parts = [told[name] for name in ("model name", "cpu family", "model") if name in told]
    return ", ".join(parts) or "unknown"


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
