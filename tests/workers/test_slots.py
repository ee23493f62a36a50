"""What is trained on two real processes, held against the same training in this process."""

import os
import time
from dataclasses import replace

import pytest

from mnist_seq.config import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.driver.session import data_of
from mnist_seq.errors import InputError
from mnist_seq.network import training
from mnist_seq.records import (
    EpochRecord,
    StateFetched,
    TrainingState,
)
from mnist_seq.workers import cluster, slots
from mnist_seq.workers.cluster import open_workers
from mnist_seq.workers.pool import Workers
from tests.examples import config, few, sweep_config
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
        trained = found[number]
        assert isinstance(trained, EpochRecord)
        assert trained.same_curve(record)
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
    assert isinstance(saved, StateFetched)
    _, here = next(iter(training.train(settings, data)))
    assert saved.state.epoch == 1
    for path, array in here.weights.items():
        assert saved.state.weights[path].tobytes() == array.tobytes()


def test_nothing_is_heard_of_a_training_that_was_dropped(both_free: Workers) -> None:
    both_free.start(0, PLAIN, few())
    both_free.advance(0)
    both_free.drop(0)
    assert both_free.next(1.5) is None


def test_no_slot_is_lost_while_the_client_refreshes_what_it_knows(
    both_free: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "SECONDS_BETWEEN_REFRESHES", 0.0)
    callback = both_free._client._periodic_callbacks["scheduler-info"]
    monkeypatch.setattr(callback, "callback_time", 1.0)  # milliseconds, instead of 2,000
    callback.stop()
    both_free._client.loop.add_callback(callback.start)
    time.sleep(0.1)
    assert {both_free.free for _ in range(300)} == {2}


def datasets_held(dask_worker: object) -> list[tuple[str, bool]]:
    held = dask_worker.data.values()  # type: ignore[attr-defined]  # dask has no types
    return [(one.digest, one.test is None) for one in held if isinstance(one, Dataset)]


def begins_at_once(settings: Config, data: Dataset) -> TrainingState:
    return TrainingState({}, {}, (), 0, {})


def learns_nothing(
    settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    return EpochRecord(1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), state


def test_data_are_sent_once_and_without_test_images(both_free: Workers) -> None:
    assert data_of(PLAIN).test is None
    data = replace(few(), digest="sent for the first time")
    quick = replace(FUNCTIONS, begin=begins_at_once, advance=learns_nothing)
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


def test_a_cluster_that_is_already_running_is_used(both_free: Workers) -> None:
    address = both_free._client.scheduler.address
    elsewhere = sweep_config("workers=cluster", f"workers.scheduler={address}").workers
    with open_workers(elsewhere, FUNCTIONS) as pool:
        wait_until_free(pool, 2)
        assert same_curves(trained_on(pool, PLAIN, few()).records, trained_here().records)


@pytest.mark.parametrize(
    ("cores", "gib", "count"), [(2, 24, 2), (8, 12, 8), (8, 8, 5), (64, 9, 6), (4, 1, 1)]
)
def test_there_are_as_many_processes_as_cores_and_memory_allow(
    cores: int, gib: int, count: int
) -> None:
    assert cluster.local_count(cores, gib * 2**30) == count


def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.2)
    nowhere = sweep_config("workers.scheduler=tcp://127.0.0.1:1").workers
    with (
        pytest.raises(InputError, match=r"^workers.scheduler: no Dask scheduler answers at tcp:"),
        open_workers(nowhere, FUNCTIONS),
    ):
        pass
