"""Sweeps over several hosts, which are network namespaces of this machine."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.faults.sweeps import STUDY, finish, in_mlflow, in_optuna, wait_for
from tests.servers import MlflowServer, PostgreSQL
from tests.workers.hosts import Host, Network, network

pytestmark = pytest.mark.slow
PASSWORD = secrets.token_urlsafe(12)
SECONDS = 300.0  # for what takes seconds on a machine that is not busy
SWEEP = (
    *("experiments.sweep", f"study={STUDY}", "training.batch_size=16"),
    *("search.sampler=random", "search.pruner=none", "search.baselines=[]"),
    "search.space={training.learning_rate: {low: 0.001, high: 0.1, log: true}}",
)


class Site:
    """A scheduler, a host with both servers, and what a driver is told of them."""

    def __init__(self, hosts: Network) -> None:
        self._hosts = hosts
        self.scheduler, self.servers = hosts.host("scheduler"), hosts.host("servers")
        where, within = self.servers.address, self.servers.within
        self.postgresql = PostgreSQL(PASSWORD, where, within)
        self.studies, runs = map(self.postgresql.database, ("studies", "runs"))
        self.mlflow = MlflowServer(
            runs, PASSWORD, self.servers.folder, address=where, within=within
        )
        self.start_scheduler()

    def start_scheduler(self) -> None:
        self.scheduler.start("experiments.scheduler", f"host={self.scheduler.address}")

    def worker(self, *hidden: Path) -> Host:
        """A host that trains, and reaches no database."""
        worker = self._hosts.host("worker", hidden)
        worker.shut_off(self.servers)
        worker.start(
            *("experiments.worker", f"tcp://{self.scheduler.address}:8786", "count=1"),
            f"host={worker.address}",
        )
        return worker

    def driver(self, *settings: str) -> "Driver":
        return Driver(
            self._hosts.host("driver"),
            *(*SWEEP, *settings, "tracking.folder=mlruns", "workers=cluster"),
            *("workers.scheduler=tcp://" + self.scheduler.address + ":8786",),
            *("workers.connect_timeout=120", f"search.storage={self.studies}"),
            f"tracking.uri={self.mlflow.address}",
        )

    def as_in(self, local: Path) -> bool:
        """Whether both servers have what a sweep on this machine alone has written."""
        folder = self.servers.folder
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGPASSWORD", PASSWORD)
            assert in_optuna(folder, self.studies) == in_optuna(local)
        assert in_mlflow(folder, self.mlflow.address) == in_mlflow(local)
        return True

    def close(self) -> None:
        self.mlflow.kill()
        self.postgresql.close()


class Driver:
    """A sweep on a host of its own."""

    def __init__(self, host: Host, *command: str) -> None:
        self.host = host
        self._process = host.start(*command, PGPASSWORD=PASSWORD)

    def wait_for_epochs(self, count: int) -> None:
        """Wait until so many more epochs have ended."""
        wanted = self.epochs + count
        wait_for(lambda: self.epochs >= wanted or not self.runs, SECONDS)
        assert self.runs, self.host.said()

    @property
    def epochs(self) -> int:
        return self.host.said().count(": epoch ")

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def finish(self) -> None:
        assert self._process.wait(4 * SECONDS) == 0, self.host.said()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with network(tmp_path / "hosts") as hosts:
        made = Site(hosts)
        try:
            yield made
        finally:
            made.close()


def here(folder: Path, *settings: str) -> Path:
    """The same sweep on this machine, with nothing but files."""
    code, out = finish(*SWEEP, *settings, f"tracking.folder={folder}", timeout=4 * SECONDS)
    assert code == 0, out
    return folder


def test_a_sweep_outlives_all_that_may_be_lost(site: Site, tmp_path: Path) -> None:
    settings = ("data=digits", "model.units=128", "search.trials=35", "training.epochs=45")
    killed, cut, frozen = (site.worker() for _ in range(3))
    driver = site.driver(*settings)
    assert driver.host.reaches(site.servers, site.postgresql.port)
    assert not cut.reaches(site.servers, site.postgresql.port)
    driver.wait_for_epochs(20)

    killed.kill()
    cut.unplug()
    began = time.monotonic()
    site.worker()
    driver.wait_for_epochs(5)
    time.sleep(max(0.0, began + 20 - time.monotonic()))
    cut.plug()
    driver.wait_for_epochs(20)

    frozen.freeze()
    began = time.monotonic()
    site.postgresql.kill()
    time.sleep(10)  # longer than an attempt takes
    site.postgresql.start()
    site.mlflow.kill()
    driver.wait_for_epochs(5)
    site.mlflow.start()
    time.sleep(max(0.0, began + 60 - time.monotonic()))
    frozen.thaw()
    driver.wait_for_epochs(20)

    site.scheduler.kill()
    site.start_scheduler()
    driver.wait_for_epochs(20)
    driver.finish()
    assert site.as_in(here(tmp_path / "here", *settings))


def test_another_host_goes_on_when_the_driver_s_is_gone(site: Site, tmp_path: Path) -> None:
    shared = tmp_path / "data"
    shared.mkdir()
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.uint8)
    parts = {"x_train": images[:1500], "y_train": labels[:1500]}
    np.savez(shared / "digits.npz", **parts, x_test=images[1500:], y_test=labels[1500:])
    file = f"data.train_file={shared / 'digits.npz'}"
    settings = ("data=npz", file, "model.units=64", "search.trials=6", "training.epochs=30")
    site.worker(shared)
    site.worker(shared)
    first = site.driver(*settings)
    first.wait_for_epochs(70)  # the first two trials have 60
    first.host.kill()
    second = site.driver(*settings)
    second.finish()
    assert second.epochs < 6 * 30
    assert site.as_in(here(tmp_path / "here", *settings))
