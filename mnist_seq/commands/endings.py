"""How a command ends: a line for what went wrong, and the exit code."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator

from mnist_seq.driver.signals import STOPPED
from mnist_seq.errors import InputError, MnistSeqError, StoppedError, TrainingError

MISTAKE, FAILED = 2, 1
NOBODY_READS = 141  # as of a program that SIGPIPE ends
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


def exit_code(error: MnistSeqError) -> int:
    """Exit code of a command that ends with an error."""
    if isinstance(error, StoppedError):
        return STOPPED
    return FAILED if isinstance(error, TrainingError) else MISTAKE


@contextlib.contextmanager
def errors_as_one_line(again: str) -> Iterator[None]:
    """Context manager: end a user's error or stop with one line, not a traceback.

    Parameters
    ----------
    again : str
        The command that goes on where this one was stopped.
    """
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except InputError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(exit_code(error))
    except TrainingError as error:
        print(f"failed: {error}", file=sys.stderr)
        sys.exit(exit_code(error))
    except StoppedError as stopped:
        print(stopped if str(stopped) else f"stopped; the same command goes on:\n  {again}")
        sys.exit(STOPPED)
    except KeyboardInterrupt:
        print("stopped")
        sys.exit(STOPPED)
    except BrokenPipeError:  # as `head` does when it has read enough
        _write_nowhere()
        sys.exit(NOBODY_READS)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        print(f"error: cannot write: {error.strerror}", file=sys.stderr)
        _write_nowhere()
        sys.exit(MISTAKE)


def _write_nowhere() -> None:
    """Discard pending output, which would make Python report an error at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
