"""Two real processes; what they train is held against the same training in this process."""

import functools
import os
import resource
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments._data import data_of
from mnist_seq import cluster, training, workers
from mnist_seq.cluster import open_workers
from mnist_seq.config import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.errors import InputError
from mnist_seq.records import (
    EpochRecord,
    Failed,
    Outcome,
    Saved,
    State,
    TrainResult,
    WorkerLost,
)
from mnist_seq.workers import Steps, Workers
from tests.examples import config, few, sweep_config

STEPS = Steps(training.warm_up, training.begin, training.advance, training.finish)
SETTINGS = sweep_config("workers.count=2", "workers.epoch_timeout=60").workers
SECONDS = 60.0
PLAIN = config("model.dropout=0.2")


@pytest.fixture(scope="module")
def pool() -> Iterator[Workers]:
    with open_workers(SETTINGS, STEPS) as opened:
        yield opened


@pytest.fixture
def both_free(pool: Workers) -> Iterator[Workers]:
    deadline = time.monotonic() + SECONDS
    answers: dict[str, object] = {}
    while time.monotonic() < deadline:
        answers = pool._client.run(os.getpid, on_error="return")
        alive = {slot for slot, answer in answers.items() if isinstance(answer, int)}
        if pool.free == 2 and alive == pool._slots:
            break
        time.sleep(0.1)
    else:
        pytest.fail(f"two processes should be there: {answers}")
    yield pool
    for number in list(pool._trainings):  # of a test that failed
        pool.drop(number)


def wait_until_free(pool: Workers, slots: int) -> None:
    deadline = time.monotonic() + SECONDS
    while pool.free < slots and time.monotonic() < deadline:
        time.sleep(0.01)
    assert pool.free == slots


def heard(pool: Workers, number: int) -> Outcome:
    event = pool.next(SECONDS)
    assert event is not None, "nothing was heard"
    assert event[0] == number
    return event[1]


def trained_on(
    pool: Workers, settings: Config, data: Dataset, state: State | None = None
) -> TrainResult:
    """A whole training in one slot."""
    pool.start(0, settings, data, state)
    for _ in range(state.epoch if state else 0, settings.training.epochs):
        pool.advance(0)
        assert isinstance(heard(pool, 0), EpochRecord)
    pool.finish(0)
    result = heard(pool, 0)
    pool.drop(0)
    assert isinstance(result, TrainResult)
    return result


@functools.cache
def trained_here() -> State:
    *_, (_, state) = training.train(PLAIN, few())
    return state


def same_curves(first: tuple[EpochRecord, ...], second: tuple[EpochRecord, ...]) -> bool:
    return all(a.same_curve(b) for a, b in zip(first, second, strict=True))


def test_a_worker_trains_bit_for_bit_as_this_process_does(both_free: Workers) -> None:
    settings, data, here = PLAIN, few(), trained_here()
    there = trained_on(both_free, settings, data)
    assert same_curves(there.records, here.records)
    assert there.best_epoch == here.best_epoch
    images_NSF = data.validation.images_NSF
    ours = training.finish(settings, data, here)
    assert there.parameters == ours.parameters
    answers = (training.predict(result.model, images_NSF).tobytes() for result in (there, ours))
    assert len(set(answers)) == 1


@pytest.mark.parametrize("limit", ["GROWN", "FULL"])
def test_a_process_that_has_grown_large_is_replaced_between_two_trainings(
    both_free: Workers, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    before = both_free._client.run(os.getpid)
    monkeypatch.setattr(workers, "SECONDS_BETWEEN_LOOKS", 0.0)
    with monkeypatch.context() as low:
        low.setattr(workers, limit, 0.001)
        trained_on(both_free, PLAIN, few())
    (kept,) = both_free._slots
    deadline = time.monotonic() + SECONDS
    while both_free.free < 2 and time.monotonic() < deadline:
        assert both_free._slots & before.keys() == {kept}, "what was stopped is not offered again"
    (new,) = both_free._slots - {kept}
    assert new not in before
    assert both_free._client.run(os.getpid)[kept] == before[kept]
    there = trained_on(both_free, PLAIN, few())
    assert same_curves(there.records, trained_here().records)


def test_trainings_side_by_side_do_not_mix(both_free: Workers) -> None:
    pool, data = both_free, few()
    several = [PLAIN, config("model.dropout=0.2", "seed=1")]
    expected = [next(iter(training.train(settings, data)))[0] for settings in several]
    for number, settings in enumerate(several):
        pool.start(number, settings, data)
        pool.advance(number)
    assert pool.free == 0
    found = dict(event for _ in several if (event := pool.next(SECONDS)) is not None)
    for number, record in enumerate(expected):
        outcome = found[number]
        assert isinstance(outcome, EpochRecord)
        assert outcome.same_curve(record)
        pool.drop(number)
    assert pool.free == 2


def test_a_saved_state_is_the_one_after_the_last_epoch_heard_of(both_free: Workers) -> None:
    settings, data, pool = PLAIN, few(), both_free
    pool.start(0, settings, data)
    pool.advance(0)
    heard(pool, 0)
    pool.save(0)
    saved = heard(pool, 0)
    pool.drop(0)
    assert isinstance(saved, Saved)
    _, here = next(iter(training.train(settings, data)))
    assert saved.state.epoch == 1
    for path, array in here.weights.items():
        assert saved.state.weights[path].tobytes() == array.tobytes()


def test_nothing_is_heard_of_a_training_that_was_dropped(both_free: Workers) -> None:
    both_free.start(0, PLAIN, few())
    both_free.advance(0)
    both_free.drop(0)
    assert both_free.next(1.5) is None


def test_a_slot_is_free_when_its_process_has_its_libraries(both_free: Workers) -> None:
    loading = replace(STEPS, warm_up=functools.partial(time.sleep, 1.0))
    pool = Workers(both_free._client, loading, SETTINGS)
    assert pool.free == 0
    wait_until_free(pool, 2)


# --- where it is done


def test_each_worker_keeps_to_one_core_of_its_own(both_free: Workers) -> None:
    cores = list(both_free._client.run(os.sched_getaffinity, 0).values())
    assert [len(core) for core in cores] == [1, 1]
    if len(os.sched_getaffinity(0)) > 1:
        assert cores[0] != cores[1]


def datasets_held(dask_worker: object) -> list[tuple[str, bool]]:
    held = dask_worker.data.values()  # type: ignore[attr-defined]  # dask has no types
    return [(one.digest, one.test is None) for one in held if isinstance(one, Dataset)]


def begins_at_once(settings: Config, data: Dataset) -> State:
    return State({}, {}, (), 0, {})


def learns_nothing(settings: Config, data: Dataset, state: State) -> tuple[EpochRecord, State]:
    return EpochRecord(1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), state


def test_a_worker_reuses_the_memory_that_it_has_freed(both_free: Workers) -> None:
    pages = both_free._client.submit(pages_touched, 200, 2**21, pure=False).result(SECONDS)
    assert pages < 10 * 2**21 / 4096, "200 times as many where each is given back and asked for"


def pages_touched(times: int, size: int) -> int:
    """Pages that the system has to provide while a buffer is taken, filled and freed in turn."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        np.full(size, 1, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_data_are_sent_once_and_without_test_images(both_free: Workers) -> None:
    assert data_of(PLAIN).test is None
    data = replace(few(), digest="sent for the first time")
    quick = replace(STEPS, begin=begins_at_once, advance=learns_nothing)
    pool = Workers(both_free._client, quick, SETTINGS)
    wait_until_free(pool, 2)
    for _ in range(3):
        for number in (0, 1):
            pool.start(number, PLAIN, data)
            pool.advance(number)
        for _ in (0, 1):
            assert pool.next(SECONDS) is not None
        for number in (0, 1):
            pool.drop(number)
    time.sleep(3)  # Dask's own memory manager looks every other second for copies to drop
    for held in pool._client.run(datasets_held).values():
        assert held.count((data.digest, True)) == 1
        assert all(is_without_test for _, is_without_test in held)


def test_a_function_can_be_called_where_the_libraries_are(both_free: Workers) -> None:
    assert both_free.call(os.getpid) != os.getpid()


def test_a_function_is_not_called_in_a_process_that_is_being_replaced(
    both_free: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as low:
        low.setattr(workers, "FULL", 0.001)
        for number in (0, 1):
            both_free.start(number, PLAIN, few())
        for number in (0, 1):
            both_free.advance(number)
            assert both_free.next(SECONDS) is not None
        for number in (0, 1):
            both_free.drop(number)
    assert both_free.call(os.getpid) != os.getpid()


def test_a_cluster_that_is_already_running_is_used(both_free: Workers) -> None:
    address = both_free._client.scheduler.address
    elsewhere = sweep_config("workers=cluster", f"workers.scheduler={address}").workers
    with open_workers(elsewhere, STEPS) as pool:
        wait_until_free(pool, 2)
        assert same_curves(trained_on(pool, PLAIN, few()).records, trained_here().records)


def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.2)
    nowhere = sweep_config("workers.scheduler=tcp://127.0.0.1:1").workers
    with (
        pytest.raises(InputError, match=r"^workers.scheduler: no Dask scheduler answers at tcp:"),
        open_workers(nowhere, STEPS),
    ):
        pass


# --- what goes wrong


def test_no_slot_is_lost_while_the_client_refreshes_what_it_knows(
    both_free: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "SECONDS_BETWEEN_LOOKS", 0.0)
    callback = both_free._client._periodic_callbacks["scheduler-info"]
    monkeypatch.setattr(callback, "callback_time", 1.0)  # milliseconds, instead of 2,000
    callback.stop()
    both_free._client.loop.add_callback(callback.start)
    time.sleep(0.1)
    assert {both_free.free for _ in range(300)} == {2}


def loads_in_other_processes(processes: set[int]) -> None:
    if os.getpid() in processes:
        raise ImportError("broke off")


def test_a_process_in_which_an_import_broke_off_is_replaced(both_free: Workers) -> None:
    (broken, slot), (kept, _) = (
        (pid, slot) for slot, pid in both_free._client.run(os.getpid).items()
    )
    warm_up = functools.partial(loads_in_other_processes, {broken})
    pool = Workers(both_free._client, replace(STEPS, warm_up=warm_up), SETTINGS)
    wait_until_free(pool, 2)
    assert slot not in pool._slots
    assert kept in pool._client.run(os.getpid).values()
    assert same_curves(trained_on(pool, PLAIN, few()).records, trained_here().records)


def loads_nowhere(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    raise ImportError("no such library")


def fails_to_load(settings: Config, data: Dataset) -> State:
    raise ImportError("no such library")


def test_where_no_process_can_load_its_libraries_a_training_says_so(
    both_free: Workers, tmp_path: Path
) -> None:
    warm_up = functools.partial(loads_nowhere, tmp_path)
    pool = Workers(
        both_free._client, replace(STEPS, warm_up=warm_up, begin=fails_to_load), SETTINGS
    )
    wait_until_free(pool, 2)
    assert len(list(tmp_path.iterdir())) == 2 * workers.ATTEMPTS_TO_LOAD
    pool.start(0, PLAIN, few())
    pool.advance(0)
    assert heard(pool, 0) == Failed("ImportError", "no such library")
    pool.drop(0)


def fails(settings: Config, data: Dataset, state: State) -> tuple[EpochRecord, State]:
    raise RuntimeError("no such\nluck")


def dies_in_epoch_2(
    marker: Path, settings: Config, data: Dataset, state: State
) -> tuple[EpochRecord, State]:
    if state.epoch == 1 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return training.advance(settings, data, state)


def hangs(settings: Config, data: Dataset, state: State) -> tuple[EpochRecord, State]:
    time.sleep(600)
    raise AssertionError("nobody waits for so long")


def test_a_training_that_raises_is_failed_with_its_reason(both_free: Workers) -> None:
    pool = Workers(both_free._client, replace(STEPS, advance=fails), SETTINGS)
    wait_until_free(pool, 2)
    pool.start(0, PLAIN, few())
    pool.advance(0)
    assert heard(pool, 0) == Failed("RuntimeError", "no such luck")
    pool.drop(0)
    assert same_curves(trained_on(both_free, PLAIN, few()).records, trained_here().records)


def test_a_loss_that_is_not_finite_is_failed_with_its_settings(both_free: Workers) -> None:
    pool = both_free
    pool.start(0, config("training.optimizer=lamb", "training.learning_rate=100"), few())
    pool.advance(0)
    assert isinstance(heard(pool, 0), EpochRecord)
    pool.advance(0)
    failed = heard(pool, 0)
    pool.drop(0)
    assert isinstance(failed, Failed)
    assert failed.kind == "not finite"
    assert "epoch 2" in failed.detail
    assert "learning_rate 100" in failed.detail


def test_a_killed_worker_is_lost_and_its_training_goes_on_from_what_was_saved(
    both_free: Workers, tmp_path: Path
) -> None:
    dying = replace(STEPS, advance=functools.partial(dies_in_epoch_2, tmp_path / "died"))
    pool = Workers(both_free._client, dying, SETTINGS)
    settings, data, here = PLAIN, few(), trained_here()
    wait_until_free(pool, 2)
    pool.start(0, settings, data)
    pool.advance(0)
    assert isinstance(heard(pool, 0), EpochRecord)
    pool.save(0)
    saved = heard(pool, 0)
    assert isinstance(saved, Saved)
    pool.advance(0)
    lost = heard(pool, 0)
    assert isinstance(lost, WorkerLost)
    assert (tmp_path / "died").exists()
    pool.drop(0)
    assert pool.free == 1
    assert same_curves(trained_on(pool, settings, data, saved.state).records, here.records)


def test_a_worker_that_dies_before_its_epoch_was_fetched_is_lost(
    both_free: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "SECONDS_TO_FETCH", 1.0)
    pool = both_free
    pool.start(0, PLAIN, few())
    pool.advance(0)
    pool.free  # noqa: B018  # it has just looked: what dies now it has not seen
    monkeypatch.setattr(workers, "SECONDS_BETWEEN_LOOKS", 1000.0)
    training, deadline = pool._trainings[0], time.monotonic() + SECONDS
    while not (training.awaited and training.awaited.done()) and time.monotonic() < deadline:
        time.sleep(0.01)
    (process,) = pool._client.run(os.getpid, workers=[training.slot]).values()
    os.kill(process, signal.SIGKILL)
    while (
        training.slot in pool._client.sync(pool._client.scheduler.identity, n_workers=-1)["workers"]
    ):
        time.sleep(0.01)
    assert isinstance(heard(pool, 0), WorkerLost)
    pool.drop(0)


def test_a_process_that_is_gone_already_can_be_stopped(both_free: Workers) -> None:
    both_free._stop("tcp://127.0.0.1:1")


def test_all_workers_may_die_and_a_training_still_begins_again(both_free: Workers) -> None:
    pool = both_free
    trained_on(pool, PLAIN, few())
    slots = set(pool._slots)
    for process in pool._client.run(os.getpid).values():
        os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + SECONDS
    while (pool.free < 2 or slots & pool._slots) and time.monotonic() < deadline:
        time.sleep(0.1)
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


def test_a_training_that_hangs_is_taken_from_its_worker(both_free: Workers) -> None:
    impatient = SETTINGS.model_copy(update={"epoch_timeout": 3.0})
    pool = Workers(both_free._client, replace(STEPS, advance=hangs), impatient)
    wait_until_free(pool, 2)
    pool.start(0, PLAIN, few())
    pool.advance(0)
    lost = heard(pool, 0)
    assert isinstance(lost, WorkerLost)
    assert lost.kind == "hang"
    pool.drop(0)
