"""Find why a local worker process died: a crash it noted, or a kernel out-of-memory kill."""

import contextlib
import faulthandler
import time
from pathlib import Path

SECONDS_TO_NOTICE = 5.0  # between a kill and the news of it
KILLS = Path("/proc/vmstat")


def note_crashes(folder: Path, address: str) -> None:
    """Have this process write a line when it crashes (SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL)."""
    faulthandler.enable(_note(folder, address).open("w"), all_threads=False)


def crash(folder: Path, address: str) -> str | None:
    """What a process has written about its crash, ``Segmentation fault``; None if nothing."""
    with contextlib.suppress(OSError):
        first, _, _ = _note(folder, address).read_text(errors="replace").partition("\n")
        return first.removeprefix("Fatal Python error: ") or None
    return None


def _note(folder: Path, address: str) -> Path:
    return folder / address.replace("/", "_")


class KernelKills:
    """The processes that the Linux kernel has killed for want of memory, here or in a container."""

    def __init__(self) -> None:
        self._count = self._read()
        self._last = float("-inf")

    def look(self) -> None:
        """Note whether the kernel has killed any process since the last look."""
        count = self._read()
        if count > self._count:
            self._count, self._last = count, time.monotonic()

    def recent(self) -> bool:
        """Whether it has killed one in the last seconds."""
        self.look()
        return time.monotonic() - self._last < SECONDS_TO_NOTICE

    @staticmethod
    def _read() -> int:
        with contextlib.suppress(OSError):  # not on Linux
            for line in KILLS.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
        return 0
