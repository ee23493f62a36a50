"""The processes themselves: what each has, and when it is replaced by another."""

import functools
import importlib
import os
import resource
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.records import EnvironmentFault, TrainingState
from mnist_seq.workers import slots
from mnist_seq.workers.cores import taken_cores
from mnist_seq.workers.pool import Workers
from tests.examples import few
from tests.workers.pools import (
    FUNCTIONS,
    PLAIN,
    SECONDS,
    SETTINGS,
    heard,
    same_curves,
    trained_here,
    trained_on,
    wait_until_free,
)


def wait_until_other_than(pool: Workers, before: set[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while (pool.free < 2 or before & pool._slots.present) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert pool.free == 2
    assert not before & pool._slots.present


def test_each_worker_keeps_to_one_core_of_its_own(both_free: Workers) -> None:
    cores = [tuple(core) for core in both_free._client.run(os.sched_getaffinity, 0).values()]
    mine = tuple(os.sched_getaffinity(0))
    is_pinned = cores != [mine, mine]
    with taken_cores(2) as left:
        assert is_pinned or left == [], "others had taken them"
    if is_pinned:
        assert [len(core) for core in cores] == [1, 1]
        assert cores[0] != cores[1]


def forked_from(pool: Workers) -> int:
    """The one process that all of them come from."""
    parents: set[int] = set(pool._client.run(os.getppid).values())
    (parent,) = parents
    assert parent != os.getpid()
    return parent


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each process loads its libraries")
def test_processes_are_forked_from_one_that_has_their_libraries_and_one_thread(
    both_free: Workers,
) -> None:
    parent = forked_from(both_free)
    assert "libtensorflow" in Path(f"/proc/{parent}/maps").read_text()
    threads = list(Path(f"/proc/{parent}/task").iterdir())
    assert len(threads) == 1, "a lock that another held would stay locked"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each process loads its libraries")
def test_without_what_they_were_forked_from_there_are_others(both_free: Workers) -> None:
    before = set(both_free._slots.present)
    os.kill(forked_from(both_free), signal.SIGKILL)
    wait_until_other_than(both_free, before)
    there = trained_on(both_free, PLAIN, few())
    assert same_curves(there.records, trained_here().records)


def test_a_worker_reuses_the_memory_that_it_has_freed(both_free: Workers) -> None:
    pages = both_free._client.submit(pages_touched, 200, 2**21, pure=False).result(SECONDS)
    assert pages < 10 * 2**21 / 4096, "200 times as many where each is given back and asked for"


def pages_touched(times: int, size: int) -> int:
    """Pages that the system has to provide while a buffer is taken, filled and freed in turn."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        np.full(size, 1, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def loaded() -> set[str]:
    return {"keras", "matplotlib", "pandas", "sklearn"} & sys.modules.keys()


def can_import_pandas() -> bool:
    return importlib.import_module("pandas") is not None


def test_a_process_holds_keras_without_what_keras_does_without(both_free: Workers) -> None:
    before = set(both_free._slots.present)
    for process in both_free._client.run(os.getpid).values():
        os.kill(process, signal.SIGKILL)
    wait_until_other_than(both_free, before)
    for slot, found in both_free._client.run(loaded).items():
        assert found == {"keras"}, slot
    assert both_free.call(can_import_pandas), "only while Keras is loaded it could not"


def test_a_slot_is_free_when_its_process_has_its_libraries(both_free: Workers) -> None:
    loading = replace(FUNCTIONS, warm_up=functools.partial(time.sleep, 1.0))
    pool = Workers(both_free._client, loading, SETTINGS)
    assert pool.free == 0
    wait_until_free(pool, 2)


def touches_a_file(folder: Path) -> None:
    (folder / str(os.getpid())).touch()


def test_processes_load_their_libraries_before_anybody_asks_for_a_slot(
    both_free: Workers, tmp_path: Path
) -> None:
    warm_up = functools.partial(touches_a_file, tmp_path)
    _kept = Workers(both_free._client, replace(FUNCTIONS, warm_up=warm_up), SETTINGS)
    deadline = time.monotonic() + SECONDS
    while len(list(tmp_path.iterdir())) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["GROWN", "FULL"])
def test_a_process_that_has_grown_large_is_replaced_between_two_trainings(
    both_free: Workers, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    before = both_free._client.run(os.getpid)
    monkeypatch.setattr(slots, "SECONDS_BETWEEN_REFRESHES", 0.0)
    with monkeypatch.context() as low:
        low.setattr(slots, limit, 0.001)
        trained_on(both_free, PLAIN, few())
    (kept,) = both_free._slots.present
    deadline = time.monotonic() + SECONDS
    while both_free.free < 2 and time.monotonic() < deadline:
        assert both_free._slots.present & before.keys() == {kept}, (
            "what was stopped is not offered again"
        )
    (new,) = both_free._slots.present - {kept}
    assert new not in before
    assert both_free._client.run(os.getpid)[kept] == before[kept]
    there = trained_on(both_free, PLAIN, few())
    assert same_curves(there.records, trained_here().records)


def test_a_function_is_not_called_in_a_process_that_is_being_replaced(
    both_free: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as low:
        low.setattr(slots, "FULL", 0.001)
        for number in (0, 1):
            both_free.start(number, PLAIN, few())
        for number in (0, 1):
            both_free.advance(number)
            assert both_free.next(SECONDS) is not None
        for number in (0, 1):
            both_free.drop(number)
    assert both_free.call(os.getpid) != os.getpid()


def loads_in_other_processes(processes: set[int]) -> None:
    if os.getpid() in processes:
        raise ImportError("broke off")


@pytest.mark.slow
def test_a_process_in_which_an_import_broke_off_is_replaced(both_free: Workers) -> None:
    (broken, slot), (kept, _) = (
        (pid, slot) for slot, pid in both_free._client.run(os.getpid).items()
    )
    warm_up = functools.partial(loads_in_other_processes, {broken})
    pool = Workers(both_free._client, replace(FUNCTIONS, warm_up=warm_up), SETTINGS)
    wait_until_free(pool, 2)
    assert slot not in pool._slots.present
    assert kept in pool._client.run(os.getpid).values()
    assert same_curves(trained_on(pool, PLAIN, few()).records, trained_here().records)


def loads_nowhere(folder: Path) -> None:
    touches_a_file(folder)
    raise ImportError("no such library")


def fails_to_load(settings: Config, data: Dataset) -> TrainingState:
    raise ImportError("no such library")


@pytest.mark.slow
def test_where_no_process_can_load_its_libraries_the_session_is_told(
    both_free: Workers, tmp_path: Path
) -> None:
    warm_up = functools.partial(loads_nowhere, tmp_path)
    pool = Workers(
        both_free._client, replace(FUNCTIONS, warm_up=warm_up, begin=fails_to_load), SETTINGS
    )
    wait_until_free(pool, 2)
    assert len(list(tmp_path.iterdir())) == 2 * slots.ATTEMPTS_TO_LOAD
    pool.start(0, PLAIN, few())
    pool.advance(0)
    assert heard(pool, 0) == EnvironmentFault("ImportError", "no such library")
    pool.drop(0)


def test_all_workers_may_die_and_a_training_still_begins_again(both_free: Workers) -> None:
    pool = both_free
    trained_on(pool, PLAIN, few())
    before = set(pool._slots.present)
    for process in pool._client.run(os.getpid).values():
        os.kill(process, signal.SIGKILL)
    wait_until_other_than(pool, before)
    assert same_curves(trained_on(pool, PLAIN, few()).records, trained_here().records)


@pytest.mark.slow
def test_a_process_that_dies_again_and_again_is_started_again_and_again(
    both_free: Workers,
) -> None:
    # Dask looks 15 s after each death whether the process is there.
    pool, deadline = both_free, time.monotonic() + 20
    while time.monotonic() < deadline:
        for process in pool._client.run(os.getpid, on_error="return").values():
            if isinstance(process, int):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.2)
    wait_until_free(pool, 2)


def test_a_process_that_is_gone_already_can_be_stopped(both_free: Workers) -> None:
    both_free._slots.stop("tcp://127.0.0.1:1")
