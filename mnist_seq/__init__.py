"""Hyperparameter experiments with LSTMs that read images row by row.

The commands as functions: `sweep`, `train`, `rerun`, `sensitivity`, and `study`, which looks up
what was found.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "rerun", "sensitivity", "study", "sweep", "train"]

if TYPE_CHECKING:
    from mnist_seq.api.functions import rerun, sensitivity, study, sweep, train


def __getattr__(name: str) -> Any:
    # Processes that train import this package as well, and need none of it.
    if name in __all__:
        return getattr(importlib.import_module("mnist_seq.api.functions"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
