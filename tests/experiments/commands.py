"""The commands as they are typed, run in this process: most tests need no fresh one."""

import contextlib
import importlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[2]
SLOW = {"tensorflow", "keras", "mlflow", "optuna", "distributed", "sklearn", "pandas"}


@dataclass(frozen=True)
class Ran:
    """What a command did.

    Attributes
    ----------
    imported : set of str
        Top-level modules that it loaded; only known of a process of its own.
    """

    code: int
    out: str
    errors: list[str]
    imported: set[str] = field(default_factory=set)


def run(name: str, *arguments: str, folder: Path = ROOT) -> Ran:
    """``python -m experiments.<name>`` in this process, with that current folder."""
    module = importlib.import_module(f"experiments.{name}")
    out, errors, code = io.StringIO(), io.StringIO(), 0
    with (
        patch.object(sys, "argv", [f"{name}.py", *arguments]),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
    ):
        try:
            module.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Ran(code, out.getvalue(), errors.getvalue().splitlines())


def run_alone(name: str, *arguments: str, folder: Path = ROOT, **environment: str) -> Ran:
    """``python -m experiments.<name>`` in a process of its own, and what it imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", f"experiments.{name}", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
        | {"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = done.stderr.splitlines()
    timed = [line for line in lines if line.startswith("import time:")]
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in timed}
    rest = [line for line in lines if not line.startswith("import time:")]
    return Ran(done.returncode, done.stdout, rest, names)


def printed(name: str, *arguments: str) -> str:
    """What a command printed; it must succeed."""
    ran = run(name, *arguments)
    assert (ran.code, ran.errors) == (0, []), ran.out
    return ran.out
