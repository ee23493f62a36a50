"""Everything that can go wrong for a user.

MnistSeqError
├── InputError                 the user can mend it: one line, exit code 2
│   ├── ConfigError            a setting, or several: one line each
│   ├── DataError              a file or a row of it
│   ├── TrackingError          a study, a run or a store that is not there
│   ├── StoreError             a database that is locked for long, or a disk that is full
│   │   └── ServerUnavailableError   a server that does not answer, and may be back soon
│   ├── FaultError             the machine or the installation keeps trainings from going on
│   └── RepeatedFailureError   every trial so far failed for the same reason
├── TrainingError              one training failed; a sweep goes on without it
│   └── NotFiniteError         the loss became NaN or infinite
└── StoppedError               the user stopped the command; it can be gone on with
"""

import builtins
import errno
import os

from mnist_seq.addresses.servers import without_password


class MnistSeqError(Exception):
    """Base class of this project's user-facing exceptions."""

    def _render_traceback_(self) -> list[str]:
        """What IPython and notebooks show: the message alone, as the user's call is at fault."""
        return [f"{type(self).__name__}: {self}"]


class InputError(MnistSeqError):
    """Invalid or impossible request; the message tells the user what to change.

    Parameters
    ----------
    *problems : str
        One line for each; line breaks in them, of a file's name for example, are escaped, and the
        password of an address is left out.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = tuple(without_password(in_one_line(problem)) for problem in problems)
        super().__init__("\n".join(self.problems))


class ConfigError(InputError):
    """One or more settings are invalid: ``path: what is wrong (got value)``."""


class DataError(InputError):
    """A data file cannot be read as images; the message names the file and the row."""


class TrackingError(InputError):
    """A requested study, run or store does not exist or cannot be used."""


class TrainingError(MnistSeqError):
    """A training ended without a result; the message says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(in_one_line(reason))


class NotFiniteError(TrainingError):
    """The loss became NaN or infinite."""


class StoppedError(MnistSeqError):
    """The user stopped the command; its state is saved, and the same command resumes it."""


class StoreError(InputError):
    """The results database or disk cannot be read or written; the same command resumes later."""


class ServerUnavailableError(StoreError):
    """A server does not answer; a later attempt may succeed."""


class FaultError(InputError):
    """A fault of the machine or installation, not of a trial; the same command resumes later."""


class RepeatedFailureError(InputError):
    """The search stopped because its first trials all failed for the same reason."""


# Blanks, and the joiners that Indian and Persian words and emoji are written with.
_HARMLESS = "\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def in_one_line(text: str) -> str:
    """Escape line breaks, terminal control codes and text-direction marks in a text."""
    return "".join(c if c.isprintable() or c in _HARMLESS else ascii(c)[1:-1] for c in text)


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
    """Whether a failure comes from the machine or the installation, not from the training.

    A full disk, a missing library or a lost connection says nothing about a trial's config.

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
