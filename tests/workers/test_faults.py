"""Faults that no config is to blame for, met on two real processes, and what ends a process."""

import ctypes
import functools
import os
import signal
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.errors import is_environmental
from mnist_seq.records import (
    EnvironmentFault,
    EpochRecord,
    TrainingFailed,
    TrainingState,
    WorkerLost,
)
from mnist_seq.workers import deaths
from mnist_seq.workers.deaths import KernelKills
from mnist_seq.workers.pool import Workers
from tests.examples import few
from tests.workers.pools import FUNCTIONS, PLAIN, SETTINGS, heard, wait_until_free


def raises(
    error: Exception, settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    raise error


def loads_a_broken_library(
    library: Path, settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    ctypes.CDLL(str(library))
    raise AssertionError("it is no library")


def writes_to_a_full_disk(
    settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    Path("/dev/full").write_bytes(b"1")
    raise AssertionError("it is full")


def event_of(pool: Workers, advance: Callable[..., tuple[EpochRecord, TrainingState]]) -> object:
    notes = pool._slots._crash_notes
    tried = Workers(pool._client, replace(FUNCTIONS, advance=advance), SETTINGS, notes)
    wait_until_free(tried, 2)
    tried.start(0, PLAIN, few())
    tried.advance(0)
    event = heard(tried, 0)
    tried.drop(0)
    return event


def test_a_full_disk_is_no_fault_of_the_training(both_free: Workers) -> None:
    event = event_of(both_free, writes_to_a_full_disk)
    assert isinstance(event, EnvironmentFault)
    assert event.detail == (
        f"[Errno 28] No space left on device (temporary files are in {tempfile.gettempdir()})"
    )


def test_a_library_that_is_broken_is_no_fault_of_the_training(
    both_free: Workers, tmp_path: Path
) -> None:
    library = tmp_path / "libbroken.so"
    library.write_bytes(b"\x7fELF, cut off")
    event = event_of(both_free, functools.partial(loads_a_broken_library, library))
    assert isinstance(event, EnvironmentFault)
    assert str(library) in event.detail


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'jax'"),
        PermissionError(13, "Permission denied", "/opt/x"),
        ConnectionResetError(104, "Connection reset by peer"),
        ssl.SSLError("certificate verify failed"),
        RuntimeError("Can't write data (file write failed: errno = 28, No space left on device)"),
    ],
)
def test_a_fault_of_the_machine_is_told_from_a_failure(error: Exception) -> None:
    assert is_environmental(type(error).__name__, str(error))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Input 0 of layer is incompatible: expected shape=(None, 8), found (28, 9)"),
        MemoryError("Unable to allocate 40.0 GiB for an array"),
        RuntimeError("no such luck"),
        ArithmeticError("OSError is a word here"),
    ],
)
def test_a_failure_of_the_training_stays_its_own(error: Exception) -> None:
    assert not is_environmental(type(error).__name__, str(error), error)


def test_what_else_a_training_raises_costs_it_alone(both_free: Workers) -> None:
    event = event_of(both_free, functools.partial(raises, ZeroDivisionError("by zero")))
    assert event == TrainingFailed("ZeroDivisionError", "by zero")


def ends_by(
    number: int, settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    os.kill(os.getpid(), number)
    raise AssertionError("nobody outlives that")


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGSEGV, "Segmentation fault"), (signal.SIGABRT, "Aborted"), (signal.SIGBUS, "Bus")],
)
def test_a_crash_is_the_trainings_own_and_is_named(
    both_free: Workers, number: int, words: str
) -> None:
    lost = event_of(both_free, functools.partial(ends_by, number))
    assert isinstance(lost, WorkerLost)
    assert lost.kind == "crash"
    assert lost.is_own
    assert lost.detail.startswith(words)


def test_a_killed_process_is_not_the_trainings_fault(both_free: Workers) -> None:
    lost = event_of(both_free, functools.partial(ends_by, signal.SIGKILL))
    assert isinstance(lost, WorkerLost)
    assert (lost.kind, lost.is_own) == ("worker died", False)


@pytest.mark.parametrize(
    ("before", "after", "is_one"),
    [
        ("oom_kill 3\n", "oom_kill 4\n", True),
        ("pgfault 1\noom_kill 0\n", "pgfault 9\noom_kill 2\n", True),
        ("oom_kill 3\n", "oom_kill 3\n", False),
        ("pgfault 1\n", "pgfault 2\n", False),
    ],
)
def test_a_kill_by_the_kernel_is_seen_in_its_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, is_one: bool
) -> None:
    monkeypatch.setattr(deaths, "KILLS", tmp_path / "vmstat")
    deaths.KILLS.write_text(before)
    kills = KernelKills()
    assert not kills.recent()
    deaths.KILLS.write_text(after)
    assert kills.recent() == is_one


def test_a_kill_by_the_kernel_is_named(
    both_free: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("oom_kill 0\n")
    monkeypatch.setattr(deaths, "KILLS", vmstat)
    lost = event_of(both_free, functools.partial(killed_and_counted, vmstat))
    assert isinstance(lost, WorkerLost)
    assert (lost.kind, lost.is_own) == ("out of memory", False)
    assert "the kernel killed the worker" in lost.detail


def killed_and_counted(
    vmstat: Path, settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    vmstat.write_text("oom_kill 1\n")
    return ends_by(signal.SIGKILL, settings, data, state)
