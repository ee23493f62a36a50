"""Searches of which something is lost in the middle, held against trainings in this process."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from distributed import Security

from mnist_seq.config.commands import SweepConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.driver.session import data_of
from mnist_seq.errors import FaultError
from mnist_seq.network import training
from mnist_seq.records import EpochRecord, Trial
from mnist_seq.workers import pool as workers
from mnist_seq.workers.cluster import open_workers
from mnist_seq.workers.pool import Workers
from tests.driver.test_loop import RATES, Ledger, searched, searching
from tests.examples import few
from tests.workers.clusters import OwnCluster, Proxy
from tests.workers.pools import (
    FUNCTIONS,
    PLAIN,
    SECONDS,
    heard,
    same_curves,
    wait_until_free,
)

pytestmark = pytest.mark.slow
TRIALS = 6
OUTAGE = 30.0  # seconds


@pytest.fixture
def cluster() -> Iterator[OwnCluster]:
    with closing(OwnCluster()) as cluster:
        yield cluster


def search(address: str, *settings: str, seconds: float = 2 * SECONDS) -> SweepConfig:
    return searching(
        RATES,
        f"search.trials={TRIALS}",
        "workers=cluster",
        f"workers.scheduler={address}",
        f"workers.connect_timeout={seconds}",
        *settings,
    )


def as_here(ledger: Ledger) -> bool:
    """Whether all trials are complete, with the curves that this process trains."""
    assert ledger.states() == ["complete"] * TRIALS
    return all(
        same_curves(tuple(ledger.curves[number]), tuple(record for record, _ in here))
        for number, values in ledger.values.items()
        for here in [
            list(
                training.train(
                    searching(RATES, f"training.learning_rate={values['training.learning_rate']}"),
                    few(),
                )
            )
        ]
    )


class Once:
    """Does something at the second epoch of the first trial that gets there."""

    def __init__(self, does: Callable[[Trial], None]) -> None:
        self.trial: int | None = None
        self._does = does

    def __call__(self, trial: Trial, record: EpochRecord) -> None:
        if self.trial is None and record.epoch == 2:
            self.trial = trial.number
            self._does(trial)


def later(does: Callable[[], object], seconds: float = OUTAGE) -> None:
    threading.Timer(seconds, does).start()


def wait_for(pool: Workers, said: list[str], words: str) -> None:
    deadline = time.monotonic() + 2 * SECONDS
    while not any(words in line for line in said):
        assert time.monotonic() < deadline, said
        assert pool.next(0.2) is None


def test_a_frozen_worker_stops_no_other_and_its_trial_goes_on(
    cluster: OwnCluster, tmp_path: Path
) -> None:
    cluster.join()
    cluster.join()
    ended_meanwhile: list[int] = []
    with open_workers(search(cluster.address).workers, FUNCTIONS) as pool:

        def freeze(trial: Trial) -> None:
            slot = pool._trainings[trial.number].slot
            (number,) = pool._client.run(os.getpid, workers=[slot]).values()
            os.kill(number, signal.SIGSTOP)

            def thaw() -> None:
                ended_meanwhile.extend(ledger.outcomes)
                os.kill(number, signal.SIGCONT)

            later(thaw)

        ledger = Ledger(once := Once(freeze))
        wait_until_free(pool, 2)
        searched(pool, search(cluster.address), tmp_path, ledger)
    assert as_here(ledger)
    assert sorted(ended_meanwhile) == sorted({*range(TRIALS)} - {once.trial})


def test_a_worker_whose_link_stalls_stops_no_other(cluster: OwnCluster, tmp_path: Path) -> None:
    proxy = Proxy(cluster.port)
    cluster.join()
    cluster.join(proxy.address)
    ended_meanwhile: list[int] = []
    with closing(proxy), open_workers(search(cluster.address).workers, FUNCTIONS) as pool:

        def come_back() -> None:
            ended_meanwhile.extend(ledger.outcomes)
            proxy.go_on()

        def stall(_trial: Trial) -> None:
            proxy.stall()
            later(come_back)

        ledger = Ledger(Once(stall))
        wait_until_free(pool, 2)
        searched(pool, search(cluster.address), tmp_path, ledger)
    assert as_here(ledger)
    assert len(ended_meanwhile) >= TRIALS - 1


def test_a_driver_whose_link_stalls_ends_in_one_line(cluster: OwnCluster, tmp_path: Path) -> None:
    proxy = Proxy(cluster.port)
    cluster.join()
    config = search(proxy.address, seconds=SECONDS / 2)
    with closing(proxy), open_workers(config.workers, FUNCTIONS) as pool:
        wait_until_free(pool, 1)
        with pytest.raises(FaultError, match=r"^the Dask scheduler at tcp:.* does not answer"):
            searched(pool, config, tmp_path, Ledger(Once(lambda _: proxy.stall())))
    with open_workers(search(cluster.address).workers, FUNCTIONS) as pool:
        ledger = searched(pool, search(cluster.address), tmp_path)
    assert sorted(ledger.outcomes) == [*range(TRIALS)]


@pytest.mark.parametrize("seconds", [0.0, 10.0])
def test_a_scheduler_that_comes_back_is_gone_on_with_or_ends_in_one_line(
    cluster: OwnCluster, tmp_path: Path, seconds: float
) -> None:
    cluster.join()
    cluster.join()
    ledger = Ledger()

    def kill(_trial: Trial) -> None:
        cluster.kill_scheduler()
        later(cluster.start_scheduler, seconds)

    ledger.does = Once(kill)
    with open_workers(search(cluster.address).workers, FUNCTIONS) as pool:
        wait_until_free(pool, 2)
        with suppress(FaultError):  # its line is a claim of another test
            searched(pool, search(cluster.address), tmp_path, ledger)
    if len(ledger.outcomes) < TRIALS:
        with open_workers(search(cluster.address).workers, FUNCTIONS) as pool:
            again = searched(pool, search(cluster.address), tmp_path)
        ledger.outcomes |= again.outcomes
        ledger.values |= again.values
        ledger.curves |= again.curves
    assert as_here(ledger)


def test_workers_with_a_memory_limit_cost_no_trial(cluster: OwnCluster, tmp_path: Path) -> None:
    cluster.join()
    cluster.join_plainly("--memory-limit", "450MiB")
    cluster.join_plainly("--memory-limit", "650MiB", "--no-nanny")
    with open_workers(search(cluster.address).workers, FUNCTIONS) as pool:
        deadline, slots = time.monotonic() + 2 * SECONDS, pool._slots
        while not (pool.free and slots._too_large and set(slots._known) - slots.present):
            assert time.monotonic() < deadline, "one is paused, and one was restarted"
            time.sleep(0.1)
        assert as_here(searched(pool, search(cluster.address), tmp_path))


def never(_: Dataset) -> None:
    raise AssertionError("it was sent")


def test_a_worker_reads_what_its_own_package_has(
    cluster: OwnCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.join()
    monkeypatch.setattr(workers, "hold", never)
    data = data_of(PLAIN)
    here, _ = next(iter(training.train(PLAIN, data)))
    with open_workers(search(cluster.address).workers, FUNCTIONS) as pool:
        wait_until_free(pool, 1)
        pool.start(0, PLAIN, data)
        pool.advance(0)
        there = heard(pool, 0)
    assert isinstance(there, EpochRecord)
    assert there.same_curve(here)


def test_idle_threads_and_missing_workers_are_told(cluster: OwnCluster) -> None:
    said: list[str] = []
    with open_workers(search(cluster.address).workers, FUNCTIONS, said.append) as pool:
        wait_for(pool, said, "waiting: no workers")
        cluster.join_plainly("--nthreads", "4")
        wait_for(pool, said, "3 thread(s) are idle: start one process a core")


def test_certificates_are_settings_of_all_commands(tmp_path: Path) -> None:
    made = Security.temporary()
    files = {"ca_file": made.tls_ca_file, "cert_file": made.tls_client_cert}
    files["key_file"] = made.tls_client_key
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    settings = [f"{name}={tmp_path / name}" for name in files]
    with closing(OwnCluster(*settings)) as cluster:
        cluster.join()
        config = search(cluster.address, *(f"workers.{setting}" for setting in settings))
        with open_workers(config.workers, FUNCTIONS) as pool:
            assert as_here(searched(pool, config, tmp_path))
