"""A real Dask cluster of a scheduler and workers, started as its users start them."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mnist_seq.errors import FaultError
from mnist_seq.workers import fingerprint
from mnist_seq.workers.cluster import open_workers
from tests.examples import few, sweep_config
from tests.workers.clusters import ROOT, process
from tests.workers.pools import (
    FUNCTIONS,
    PLAIN,
    SECONDS,
    same_curves,
    trained_here,
    trained_on,
    wait_until_free,
)

pytestmark = pytest.mark.slow


class Cluster:
    """A scheduler on a free port of this machine, and the workers that have joined it."""

    def __init__(self, folder: Path, scheduler_folder: Path = ROOT) -> None:
        self._file, self._processes = folder / "scheduler.json", ExitStack()
        self._scheduler = self._processes.enter_context(ExitStack())
        self._scheduler.enter_context(
            process(
                *("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"),
                *("--no-dashboard", "--scheduler-file", str(self._file)),
                folder=scheduler_folder,
            )
        )

    def join(self, folder: Path = ROOT, **environment: str) -> None:
        worker = ("distributed.cli.dask_worker", "--scheduler-file", str(self._file))
        options = ("--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
        self._processes.enter_context(process(*worker, *options, folder=folder, **environment))

    @property
    def address(self) -> str:
        deadline = time.monotonic() + 2 * SECONDS
        while not self._file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return str(json.loads(self._file.read_text())["address"])

    def kill_scheduler(self) -> None:
        self._scheduler.close()

    def close(self) -> None:
        self._processes.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.close()


def with_other_code(folder: Path) -> Path:
    shutil.copytree(fingerprint.PACKAGE, folder / "mnist_seq")
    module = folder / "mnist_seq" / "errors.py"
    module.write_text(module.read_text() + "\n# of another day\n")
    return folder


def without_tensorflow(folder: Path) -> Path:
    shutil.copytree(fingerprint.PACKAGE, folder / "mnist_seq")
    (folder / "tensorflow").mkdir()
    (folder / "tensorflow" / "__init__.py").write_text("raise ImportError('a broken TensorFlow')")
    return folder


def test_workers_unlike_the_others_are_left_out_and_the_rest_train_as_here(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.join()
    cluster.join()
    cluster.join(with_other_code(tmp_path / "code"))
    cluster.join(without_tensorflow(tmp_path / "broken"))
    cluster.join(XLA_FLAGS="--xla_cpu_max_isa=SSE4_2")
    settings = sweep_config("workers=cluster", f"workers.scheduler={cluster.address}").workers
    said: list[str] = []
    with open_workers(settings, FUNCTIONS, said.append) as pool:
        deadline = time.monotonic() + 4 * SECONDS
        while len(said) < 3 and time.monotonic() < deadline:
            pool.free  # noqa: B018
            time.sleep(0.1)
        wait_until_free(pool, 2)
        there = trained_on(pool, PLAIN, few())
        assert pool.fingerprint is not None
        assert pool.fingerprint.code == fingerprint.code_digest()
    assert same_curves(there.records, trained_here().records)
    assert [sum(words in line for line in said) for words in ("code ", "broken", "SSE4_2")] == [
        *(1, 1, 1)
    ]
    assert len(said) == 3


def test_a_scheduler_that_dies_is_one_line(cluster: Cluster) -> None:
    cluster.join()
    settings = sweep_config("workers=cluster", f"workers.scheduler={cluster.address}").workers
    with open_workers(settings, FUNCTIONS) as pool:
        wait_until_free(pool, 1)
        cluster.kill_scheduler()
        pool.start(0, PLAIN, few(), None)
        with pytest.raises(FaultError, match=r"^the Dask scheduler at tcp:.* does not answer"):
            all(iter(lambda: pool.next(SECONDS), None))  # perhaps first that the worker is lost


@pytest.mark.parametrize("where", ["there", "where the scheduler runs"])
def test_a_machine_without_this_project_is_named(where: str, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    cluster = Cluster(tmp_path, ROOT if where == "there" else bare)
    try:
        cluster.join(bare if where == "there" else ROOT)
        settings = sweep_config("workers=cluster", f"workers.scheduler={cluster.address}").workers
        said: list[str] = []
        expected = rf"^no worker can be used: tcp://.*, is not installed {where}$"
        with (
            pytest.raises(FaultError, match=expected),
            open_workers(settings, FUNCTIONS, said.append) as pool,
        ):
            wait_until_free(pool, 1)
        assert len(said) == 1
    finally:
        cluster.close()
