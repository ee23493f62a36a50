"""Tells faults of the machine or the installation from failures of a training.

A full disk, a library that is missing or a lost connection says nothing about a trial's config.
"""

import builtins
import errno
import os

WORKER_DIED = "worker died"
_KINDS = (OSError, ImportError, EOFError)
# Not among Python's built-in names, as they stand in the reasons of failed trials.
_OTHER_KINDS = {WORKER_DIED, "CommClosedError", "SSLError", "SSLCertVerificationError", "gaierror"}
# TensorFlow and HDF5 have exceptions of their own, with the system's words in them.
_WORDS = (
    *map(
        os.strerror,
        (
            errno.EACCES,
            errno.EDQUOT,
            errno.EIO,
            errno.EMFILE,
            errno.ENFILE,
            errno.ENOSPC,
            errno.EROFS,
            errno.ESTALE,
        ),
    ),
    "cannot open shared object file",
    "undefined symbol",
    # Of a Keras that calculated in another precision than ours.
    "type float16",
    "type float64",
)


def is_environmental(kind: str, detail: str, error: BaseException | None = None) -> bool:
    """Whether a failure has a cause outside of the training that met it.

    Parameters
    ----------
    kind : str
        An exception's name, or another kind of a failed trial.
    detail : str
        What the exception says.
    error : exception, optional
        The exception itself, if it is at hand.
    """
    named = getattr(builtins, kind, None)
    is_one = isinstance(named, type) and issubclass(named, _KINDS)
    return (
        is_one
        or isinstance(error, _KINDS)
        or kind in _OTHER_KINDS
        or any(words in detail for words in _WORDS)
    )
