"""What Ctrl-C, SIGTERM and a closed terminal do: end a command at once, or ask it to stop."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

STOPPED = 130  # the exit code of a command that its user stopped


def leave_when_asked() -> None:
    """From now on a stop signal ends this process at once, with one line.

    For the time in which there is nothing to save: what was written is whole at any instant.
    """
    for number in _stop_signals():
        signal.signal(number, _leave)


@contextlib.contextmanager
def stop_when_asked() -> Iterator[Callable[[], bool]]:
    """Context manager: the first stop signal requests a stop, another one exits at once.

    In any other thread than the main one nothing is changed: who started the thread is asked.

    Yields
    ------
    callable
        Whether a stop was requested.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # Python hands signals to its main thread alone
        return
    asked: list[int] = []
    terminals = [stream for stream in (0, 1, 2) if os.isatty(stream)]

    def ask(number: int, _: object) -> None:
        if number == getattr(signal, "SIGHUP", None):  # of a closed terminal there may be several
            _write_no_more(terminals)
        elif asked:
            raise SystemExit(128 + number)
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in _stop_signals()}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def hold_stop_signals() -> Iterator[None]:
    """Context manager: stop signals wait for its end; processes started in it never get them.

    Until such a process says otherwise, as `ignore_stop_signals` does.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _stop_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_stop_signals() -> None:
    """From now on stop signals do nothing: another process ends this one."""
    for number in _stop_signals():
        signal.signal(number, signal.SIG_IGN)


def _stop_signals() -> list[signal.Signals]:
    """Signals that stop a command on this system; SIGHUP not under ``nohup``."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return numbers


def _leave(_number: int, _frame: object) -> None:
    # The output may be missing, closed, or in the middle of a line.
    with contextlib.suppress(AttributeError, OSError, RuntimeError, ValueError):
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), b"stopped\n")
    os._exit(STOPPED)


def _write_no_more(terminals: list[int]) -> None:
    """Discard output to a closed terminal, where writing would fail."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in terminals:
        os.dup2(nowhere, stream)
    os.close(nowhere)
