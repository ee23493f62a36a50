"""The commands as they are typed here: ``python -m experiments.sweep``, or ``mnist-seq sweep``."""

import shlex
import sys
from pathlib import Path

PROGRAM = "mnist-seq"
_CLONE = Path(__file__).resolve().parent.parent


def command_text(name: str, *words: str) -> str:
    """Return a command that can be typed where this process runs, quoted for a shell.

    In a clone commands are modules; where the package was installed there is a program. Whoever
    has started this process with the program goes on with it.

    Parameters
    ----------
    name : str
        The command's, as in ``sweep``.
    *words : str
        What follows it.
    """
    has_modules = (_CLONE / "experiments" / f"{name}.py").exists()
    if Path(sys.argv[0]).name == PROGRAM or not has_modules:
        return shlex.join([PROGRAM, name, *words])
    return shlex.join(["python", "-m", f"experiments.{name}", *words])
