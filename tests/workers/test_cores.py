"""Cores are taken once on a machine, by whole processes as by sweeps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_seq.workers import cores
from mnist_seq.workers.cores import taken_cores

ROOT = Path(__file__).resolve().parents[2]
HOLDS = """
import sys
from mnist_seq.workers import cores
cores.NAME = sys.argv[1]
with cores.taken_cores(1) as taken:
    print(*taken, flush=True)
    sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(not cores.CAN_PIN, reason="the system has no way to do it")


@pytest.fixture(autouse=True)
def names_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cores, "NAME", str(tmp_path)[-60:])


def test_three_sweeps_at_once_take_other_cores_or_none() -> None:
    mine = os.sched_getaffinity(0)
    with taken_cores(1) as first, taken_cores(1) as second, taken_cores(len(mine)) as third:
        assert set(first) <= mine
        assert not set(first) & set(second)
        assert len(first) == 1
        assert len(second) == min(1, len(mine) - 1)
        assert third == []
    with taken_cores(len(mine)) as again:
        assert sorted(again) == sorted(mine)


def test_more_workers_than_cores_are_not_pinned() -> None:
    with taken_cores(len(os.sched_getaffinity(0)) + 1) as taken:
        assert taken == []


def test_a_core_is_free_again_when_the_process_that_took_it_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, cores.NAME],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        held = int(other.stdout.readline())
        with taken_cores(1) as mine:
            assert held not in mine
        other.kill()
        other.wait()
    with taken_cores(len(os.sched_getaffinity(0))) as freed:
        assert held in freed


def test_in_a_container_with_a_share_of_the_cores_nothing_is_pinned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As CPU_COUNT says with a quota; which cores others have cannot be seen from in there.
    monkeypatch.setattr(cores, "CPU_COUNT", len(os.sched_getaffinity(0)) - 1)
    with taken_cores(1) as taken:
        assert taken == []
