"""Python finds it before the package in ``python experiments/sweep.py``: says what to type."""

import sys

sys.path.pop(0)  # that folder's inspect.py would be taken for Python's own

import os.path
import shlex

script, *typed = sys.argv
root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
name = os.path.basename(script).removesuffix(".py")  # noqa: PTH119
where = "" if root == os.getcwd() else f"PYTHONPATH={shlex.quote(root)} "  # noqa: PTH109
command = shlex.join(["python", "-m", f"experiments.{name}", *typed])
sys.stderr.write(f"error: type {where}{command}\n")
sys.exit(2)
