"""Trainings that fail, die or hang on two real processes."""

import dataclasses
import functools
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.network import training
from mnist_seq.records import (
    EpochRecord,
    StateFetched,
    TrainingFailed,
    TrainingState,
    WorkerLost,
)
from mnist_seq.workers import pool as workers
from mnist_seq.workers.pool import Workers
from tests.examples import config, few
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


def fails(
    settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    raise RuntimeError("no such\nluck")


def dies_in_epoch_2(
    marker: Path, settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    if state.epoch == 1 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return training.advance(settings, data, state)


def hangs(
    settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    time.sleep(600)
    raise AssertionError("nobody waits for so long")


def test_a_training_that_raises_is_failed_with_its_reason(both_free: Workers) -> None:
    pool = Workers(both_free._client, replace(FUNCTIONS, advance=fails), SETTINGS)
    wait_until_free(pool, 2)
    pool.start(0, PLAIN, few())
    pool.advance(0)
    assert heard(pool, 0) == TrainingFailed("RuntimeError", "no such luck")
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
    assert isinstance(failed, TrainingFailed)
    assert failed.kind == "not finite"
    assert "epoch 2" in failed.detail
    assert "learning_rate 100" in failed.detail


def test_a_killed_worker_is_lost_and_its_training_goes_on_from_what_was_saved(
    both_free: Workers, tmp_path: Path
) -> None:
    dying = replace(FUNCTIONS, advance=functools.partial(dies_in_epoch_2, tmp_path / "died"))
    pool = Workers(both_free._client, dying, SETTINGS)
    settings, data, here = PLAIN, few(), trained_here()
    wait_until_free(pool, 2)
    pool.start(0, settings, data)
    pool.advance(0)
    assert isinstance(heard(pool, 0), EpochRecord)
    pool.save(0)
    saved = heard(pool, 0)
    assert isinstance(saved, StateFetched)
    pool.advance(0)
    lost = heard(pool, 0)
    assert isinstance(lost, WorkerLost)
    assert (tmp_path / "died").exists()
    pool.drop(0)
    assert pool.free == 1
    assert same_curves(trained_on(pool, settings, data, saved.state).records, here.records)


class SlowRecord(EpochRecord):
    """As if the link to its process were cut for a while."""

    def __reduce__(self) -> tuple[type[EpochRecord], tuple[float, ...]]:
        time.sleep(8.0)
        return EpochRecord, dataclasses.astuple(self)


def is_fetched_slowly(
    settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    record, after = training.advance(settings, data, state)
    is_slow = settings.seed == 1
    return SlowRecord(*dataclasses.astuple(record)) if is_slow else record, after


@pytest.mark.slow
def test_a_record_that_is_not_fetched_is_a_lost_worker_and_stops_no_other(
    both_free: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "SECONDS_TO_FETCH", 4.0)
    pool = Workers(both_free._client, replace(FUNCTIONS, advance=is_fetched_slowly), SETTINGS)
    wait_until_free(pool, 2)
    pool.start(1, config("model.dropout=0.2", "seed=1"), few())
    pool.advance(1)
    assert pool.next(2.0) is None  # it has its dataset, and trains
    pool.start(0, PLAIN, few())
    pool.advance(0)
    found: dict[int, object] = {}
    while len(found) < 2:
        event = pool.next(SECONDS)
        assert event is not None
        number, found[number] = event
        pool.drop(number)
    assert isinstance(found[0], EpochRecord)
    assert isinstance(found[1], WorkerLost)


@pytest.mark.slow
def test_a_training_that_waits_for_others_does_not_hang(both_free: Workers) -> None:
    impatient = SETTINGS.model_copy(update={"epoch_timeout": 5.0})
    pool = Workers(both_free._client, FUNCTIONS, impatient)
    wait_until_free(pool, 2)
    others = [
        both_free._client.submit(time.sleep, 10, workers=[slot], pure=False)
        for slot in pool._slots.present
    ]
    pool.start(0, PLAIN, few())
    pool.advance(0)
    assert isinstance(heard(pool, 0), EpochRecord)
    assert any(other.done() for other in others)
    pool.drop(0)


def test_a_training_that_hangs_is_taken_from_its_worker(both_free: Workers) -> None:
    impatient = SETTINGS.model_copy(update={"epoch_timeout": 3.0})
    pool = Workers(both_free._client, replace(FUNCTIONS, advance=hangs), impatient)
    wait_until_free(pool, 2)
    pool.start(0, PLAIN, few())
    pool.advance(0)
    lost = heard(pool, 0)
    assert isinstance(lost, WorkerLost)
    assert lost.kind == "hang"
    pool.drop(0)
