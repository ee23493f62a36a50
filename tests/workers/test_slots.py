"""What is trained on two real processes, held against the same training in this process."""

import functools
import os
import socket
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dask
import pytest
from distributed import LocalCluster, batched

from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.driver.session import data_of
from mnist_seq.errors import ConfigError, FaultError, InputError
from mnist_seq.network import training
from mnist_seq.records import (
    EpochRecord,
    StateFetched,
    TrainingState,
    WorkerLost,
)
from mnist_seq.workers import cluster, slots
from mnist_seq.workers import pool as workers
from mnist_seq.workers.cluster import open_workers
from mnist_seq.workers.cores import local_count
from mnist_seq.workers.pool import Workers
from mnist_seq.workers.tasks import hold
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


def holds_and_notes(folder: Path, data: Dataset) -> None:
    (folder / f"{os.getpid()} {time.monotonic_ns()} {data.digest} {data.test}").touch()
    hold(data)


def begins_at_once(settings: Config, data: Dataset) -> TrainingState:
    return TrainingState({}, {}, (), 0, {})


def learns_nothing(
    settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    return EpochRecord(1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), state


def test_data_are_sent_once_and_without_test_images(
    both_free: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "hold", functools.partial(holds_and_notes, tmp_path))
    assert data_of(PLAIN).test is None
    data = replace(few(), digest="sent-for-the-first-time")
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
    sent = [note.name.split() for note in tmp_path.iterdir()]
    assert len({process for process, *_ in sent}) == len(sent) == 2
    assert all(what == [data.digest, "None"] for _, _, *what in sent)


def test_a_function_can_be_called_where_the_libraries_are(both_free: Workers) -> None:
    assert both_free.call(os.getpid) != os.getpid()


@pytest.mark.slow
def test_a_cluster_that_is_already_running_is_used(both_free: Workers) -> None:
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as elsewhere:
        address = elsewhere.scheduler_address
        settings = sweep_config("workers=cluster", f"workers.scheduler={address}").workers
        with open_workers(settings, FUNCTIONS) as pool:
            wait_until_free(pool, 1)
            there = trained_on(pool, PLAIN, few())
    assert same_curves(there.records, trained_here().records)


@pytest.mark.parametrize(
    ("cores", "gib", "count"), [(2, 24, 2), (8, 12, 8), (8, 8, 5), (64, 9, 6), (4, 1, 1)]
)
def test_there_are_as_many_processes_as_cores_and_memory_allow(
    cores: int, gib: int, count: int
) -> None:
    assert local_count(cores, gib * 2**30) == count


@pytest.mark.parametrize("count", [1, 3, 5])
def test_workers_share_the_memory_whatever_the_cores(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight cores with 4 GiB had given each of two workers 0.5 GiB: too little for MNIST."""
    made: dict[str, object] = {}

    def note(**settings: object) -> None:
        made.update(settings)
        raise OSError("it is enough to know how")

    monkeypatch.setattr(cluster, "CPU_COUNT", 8)
    monkeypatch.setattr(cluster, "MEMORY_LIMIT", count * 2 * 2**30)
    monkeypatch.setattr(cluster, "LocalCluster", note)
    with (
        pytest.raises(FaultError, match=r"it is enough to know how$"),
        open_workers(sweep_config().workers, FUNCTIONS),
    ):
        pass
    assert made["n_workers"] == max(1, count * 4 // 3)
    limit, asked = made["memory_limit"], made["n_workers"]
    assert isinstance(limit, int)
    assert isinstance(asked, int)
    assert limit >= 1.5 * 2**30
    assert limit * asked <= count * 2 * 2**30


def test_a_suspended_machine_loses_no_worker_and_no_training(both_free: Workers) -> None:
    assert dask.config.get("distributed.scheduler.worker-ttl") is None, "300 s otherwise"
    impatient = SETTINGS.model_copy(update={"epoch_timeout": 50.0})
    pool = Workers(both_free._client, FUNCTIONS, impatient)
    wait_until_free(pool, 2)
    pool.start(0, PLAIN, few())
    pool.advance(0)
    deadline = time.monotonic() + SECONDS
    while pool._starts.at(pool._trainings[0].start) is None and time.monotonic() < deadline:
        assert pool.next(0) is None
    # As if this process had been stopped right now, for an hour.
    pool._looked -= 3600
    pool._starts.leave_out(-3600)
    assert isinstance(heard(pool, 0), EpochRecord)
    pool.drop(0)


def test_processes_that_end_too_slowly_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with many other loads, Ctrl-C had ended in Dask's traceback."""
    close, asked = LocalCluster.close, []

    def too_slow(self: LocalCluster, timeout: float | None = None) -> None:
        close(self, timeout)
        asked.append(self)
        raise TimeoutError

    monkeypatch.setattr(LocalCluster, "close", too_slow)
    with open_workers(SETTINGS.model_copy(update={"count": 1}), FUNCTIONS):
        pass
    assert asked


@pytest.mark.parametrize("seconds", [60, 3600, 10**8])
def test_a_clock_set_back_stalls_no_training(
    both_free: Workers, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    pool, behind, real = both_free, [0.0], time.time
    # The driver and Dask's scheduler are in this process.
    monkeypatch.setattr(time, "time", lambda: real() - behind[0])
    monkeypatch.setattr(batched, "time", time.time)
    pool.start(0, PLAIN, few())
    pool.advance(0)
    assert isinstance(heard(pool, 0), EpochRecord)
    behind[0] += seconds  # within the milliseconds in which Dask holds messages back
    pool.advance(0)
    lost = heard(pool, 0)
    assert isinstance(lost, WorkerLost)
    assert lost.kind == "clock"
    pool.drop(0)
    wait_until_free(pool, 2)
    assert same_curves(trained_on(pool, PLAIN, few()).records, trained_here().records)


def test_a_scheduler_that_does_not_answer_is_one_line() -> None:
    nowhere = sweep_config("workers.scheduler=tcp://127.0.0.1:1", "workers.connect_timeout=0.2")
    with (
        pytest.raises(InputError, match=r"^workers.scheduler: tcp:.*: no Dask scheduler"),
        open_workers(nowhere.workers, FUNCTIONS),
    ):
        pass


def test_a_port_that_is_silent_or_no_schedulers_is_one_line() -> None:
    page = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    with page, socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        for port in (page.server_port, silent.getsockname()[1]):
            address = f"tcp://127.0.0.1:{port}"
            settings = sweep_config(f"workers.scheduler={address}", "workers.connect_timeout=0.5")
            with pytest.raises(InputError) as refused, open_workers(settings.workers, FUNCTIONS):
                pass
            assert str(refused.value) == (
                f"workers.scheduler: {address}: no Dask scheduler answers within 0.5 s "
                "(workers.connect_timeout)"
            )
        page.shutdown()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1", "tls://[::1]", "udp://h:8786", "h:8786"])
def test_an_address_that_is_none_is_one_line(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        sweep_config(f"workers.scheduler={address}")
    assert str(refused.value) == (
        "workers.scheduler: must be an address as tcp://host:8786 or tls://host:8786 "
        f"(got {address!r})"
    )


@pytest.mark.parametrize(
    ("address", "settings", "words"),
    [
        ("tls://h:1", [], "tls:// needs workers.ca_file and workers.cert_file"),
        ("tls://h:1", ["ca_file", "cert_file"], "workers.ca_file: ca_file: no such file"),
        ("tls://h:1", ["ca_file"], "workers.cert_file: is needed with ca_file"),
        ("tls://h:1", ["key_file"], "workers.key_file: goes with cert_file"),
    ],
)
def test_certificates_that_are_not_there_are_one_line(
    address: str, settings: list[str], words: str
) -> None:
    files = [f"workers.{name}={name}" for name in settings]
    with (
        pytest.raises(InputError) as refused,
        open_workers(sweep_config(f"workers.scheduler={address}", *files).workers, FUNCTIONS),
    ):
        pass
    assert str(refused.value) == words
