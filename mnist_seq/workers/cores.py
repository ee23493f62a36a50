"""How many workers a machine runs, and on which cores: such as no other sweep uses.

A core is taken by an abstract Unix socket of its name, which the kernel frees with the process that
holds it. Nothing listens there.
"""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator

import psutil
from dask.system import CPU_COUNT

CAN_PIN = sys.platform == "linux"
NAME = "mnist_seq"
SECONDS_TO_MEASURE = 0.1
# A process that is not forked holds 0.7 GiB after its first training and 1.1 when it is replaced.
BYTES_A_PROCESS = 3 * 2**29


def local_count(cores: int, memory: int) -> int:
    """Return the number of a machine's workers: one per core, limited by memory (in bytes)."""
    return max(1, min(cores, memory // BYTES_A_PROCESS))


@contextlib.contextmanager
def taken_cores(count: int) -> Iterator[list[int]]:
    """Context manager: take `count` cores, the idlest first, or none where so many are not free.

    Processes that are not pinned share what is left as the system sees fit; so do those of a
    container that has a share of the cores, for it cannot see which of them others use.
    """
    with contextlib.ExitStack() as held:
        cores: list[int] = []
        for core in _idlest_first():
            if len(cores) == count:
                break
            taken = held.enter_context(socket.socket(socket.AF_UNIX))
            with contextlib.suppress(OSError):  # another sweep has it
                taken.bind(f"\0{NAME} core {core}")
                cores.append(core)
        if len(cores) < count:
            held.close()
            cores = []
        yield cores


def _idlest_first() -> list[int]:
    """Cores that this process may use; empty where it cannot choose."""
    if not CAN_PIN or len(os.sched_getaffinity(0)) > CPU_COUNT:
        return []
    busy = dict(enumerate(psutil.cpu_percent(SECONDS_TO_MEASURE, percpu=True)))
    # To a tenth: what is left is chance, and neighbours share a cache.
    return sorted(os.sched_getaffinity(0), key=lambda core: (round(busy.get(core, 0.0), -1), core))
