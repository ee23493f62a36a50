"""A study in PostgreSQL and runs on an MLflow server, on the digits, with passwords on both."""

import contextlib
import os
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from mlflow.server.security_utils import INVALID_HOST_MSG
from optuna.storages import RDBStorage
from PIL import Image
from sklearn.datasets import load_digits

from mnist_seq.errors import InputError, ServerUnavailableError
from mnist_seq.postgresql.database import StudyLock, prepared
from tests.experiments.commands import printed, run
from tests.faults.sweeps import STUDY, finish, in_mlflow, in_optuna, start
from tests.servers import MlflowServer, PostgreSQL, answering, free_port, gate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
DATABASE_PASSWORD, RUNS_PASSWORD = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
PASSWORDS = (DATABASE_PASSWORD, RUNS_PASSWORD)
SWEEP = (
    *("data=digits", f"study={STUDY}", "workers.count=2", "search.trials=4"),
    *("search.sampler=random", "search.pruner=none"),
    *("search.space.training.epochs.low=30", "search.space.training.epochs.high=60"),
)


class Servers:
    """PostgreSQL with two databases, and an MLflow server behind a gate with a password."""

    def __init__(self, folder: Path) -> None:
        self.postgresql = PostgreSQL(DATABASE_PASSWORD)
        self.runs, self.studies = map(self.postgresql.database, ("runs", "studies"))
        folder.mkdir()
        self.mlflow = MlflowServer(self.runs, DATABASE_PASSWORD, folder)
        self.address = ""  # of the gate

    def where(self, folder: Path, studies: str | None = None) -> list[str]:
        """What a sweep is told of them."""
        return [*self.reading(folder), f"search.storage={studies or self.studies}"]

    def reading(self, folder: Path) -> list[str]:
        """What a command that reads is told of them."""
        return [f"tracking.folder={folder}", f"tracking.uri={self.address}"]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Both servers, with the passwords in the environment."""
    made = Servers(tmp_path_factory.mktemp("servers") / "mlflow")
    try:
        with (
            gate(made.mlflow.port, "anna", RUNS_PASSWORD) as made.address,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setenv("PGPASSWORD", DATABASE_PASSWORD)
            patch.setenv("MLFLOW_TRACKING_USERNAME", "anna")
            patch.setenv("MLFLOW_TRACKING_PASSWORD", RUNS_PASSWORD)
            yield made
    finally:
        made.mlflow.kill()
        made.postgresql.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same sweep, with nothing but files."""
    folder = tmp_path_factory.mktemp("local")
    code, out = finish("experiments.sweep", *SWEEP, f"tracking.folder={folder}", timeout=900)
    assert code == 0, out
    return folder


class Watch(threading.Thread):
    """Collects the command lines of all processes meanwhile."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.lines: set[str] = set()
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(0.2):
            for process in psutil.process_iter(["cmdline"]):
                self.lines.add("\0".join(process.info["cmdline"] or []))


class Swept:
    """A sweep on the servers that was stopped, and gone on with from another folder."""

    def __init__(self, servers: Servers, folders: tuple[Path, Path]) -> None:
        self.folder = folders[1]
        watch = Watch()
        watch.start()
        words = [*SWEEP, "report=live"]
        first = start("experiments.sweep", *words, *servers.where(folders[0]))
        assert first.stdout is not None
        begun = next(line for line in first.stdout if "epoch 5/" in line)
        self.second_driver = run("sweep", *words, *servers.where(folders[1]))
        self.driver = first.pid
        os.killpg(first.pid, signal.SIGINT)
        rest, _ = first.communicate(timeout=300)
        assert first.returncode == 130, rest
        # As from another host that reads the same disk.
        shutil.copytree(folders[0] / "unfinished", folders[1] / "unfinished", dirs_exist_ok=True)
        code, out = finish("experiments.sweep", *words, *servers.where(folders[1]), timeout=900)
        assert code == 0, out
        watch.is_over.set()
        watch.join()
        self.command_lines = watch.lines
        self.output = begun + rest + out


@pytest.fixture(scope="module")
def swept(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    return Swept(servers, (tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")))


def test_trials_and_curves_are_those_of_a_local_sweep_to_the_last_bit(
    servers: Servers, swept: Swept, local: Path
) -> None:
    assert in_optuna(swept.folder, servers.studies) == in_optuna(local)
    assert in_mlflow(swept.folder, servers.address) == in_mlflow(local)


def test_the_terminal_shows_nothing_of_mlflows_own(swept: Swept) -> None:
    assert "View" not in swept.output
    assert "experiments/" not in swept.output


def test_a_second_driver_is_told_who_holds_the_study(swept: Swept) -> None:
    assert swept.second_driver.code == 2
    assert swept.second_driver.errors == [
        f"error: {STUDY} is in use by process {swept.driver} on {os.uname().nodename}: wait "
        "for it, or stop it there with Ctrl-C"
    ]


def test_a_lock_whose_connection_was_cut_is_waited_for_until_the_server_knows(
    servers: Servers,
) -> None:
    lock, before = StudyLock(servers.studies, "cut"), StudyLock(servers.studies, "uncut")
    # As after a cut, the lock is held by a connection of this process that it has no more.
    lock._connection, cut = before._connection, lock._connection
    lock._connection.close()
    with pytest.raises(
        ServerUnavailableError, match=r"has not noticed that the connection was cut$"
    ):
        lock.ensure()
    with pytest.raises(InputError, match=rf"is in use by process {os.getpid()} on "):
        StudyLock(servers.studies, "cut")
    cut.close()
    for _ in range(100):
        with contextlib.suppress(ServerUnavailableError):
            lock.ensure()
            break
        time.sleep(0.1)
    else:
        pytest.fail("the lock was not taken again")
    lock.release()


@pytest.fixture(scope="module")
def read(servers: Servers, swept: Swept, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What every reading command prints, from a folder that has nothing of the sweep."""
    folder = tmp_path_factory.mktemp("reader")
    where = servers.reading(folder)
    picture = folder / "three.png"
    Image.fromarray((255 - 15 * load_digits().images[3]).astype("uint8")).resize((80, 80)).save(
        picture
    )
    printed("sweep", *SWEEP[:3], "search.trials=1", "study=other", *servers.where(folder))
    outputs = [
        printed("rerun", f"study={STUDY}", "register=digits", "workers.count=1", *where),
        printed("report", f"study={STUDY}", *where),
        printed("inspect", f"study={STUDY}", "images=1", *where),
        printed("inspect", f"study={STUDY}", "trial=1", "against=baseline", "images=1", *where),
        printed("ui", f"study={STUDY}", *where),
        printed("export", f"study={STUDY}", *where),
        printed("compare", f"studies=[{STUDY},other]", *where),
        printed("predict", f"image={picture}", "champion=digits", *where),
        printed(
            "sensitivity",
            *(f"study={STUDY}", "trial=0", "seeds=2", "values.training.epochs=[1,2]"),
            *("workers.count=2", *where),
        ),
    ]
    assert all("http" in out or str(folder) in out for out in outputs)
    return "\n".join(outputs)


def test_every_command_reads_the_servers(servers: Servers, read: str) -> None:
    assert "reproduced exactly" in read
    assert f"{servers.address}/#/experiments/" in read
    assert "predictions.csv" in read


def test_no_password_is_anywhere_but_in_the_environment(
    servers: Servers, swept: Swept, read: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    dumped = [servers.postgresql.dump(name) for name in ("runs", "studies")]
    files = [file for file in tmp_path_factory.getbasetemp().rglob("*") if file.is_file()]
    names = {file.name for file in files}
    assert {"config.yaml", "report.html", "mlflow-server.log", f"{STUDY}.html"} <= names
    texts = [swept.output, read, *swept.command_lines, *dumped]
    assert any("search.storage=postgresql" in line for line in swept.command_lines)
    assert all(servers.studies in dump or "CREATE TABLE" in dump for dump in dumped)
    for password in PASSWORDS:
        assert not [text[:80] for text in texts if password in text]
        assert not [file for file in files if password.encode() in file.read_bytes()]


def test_servers_that_die_in_a_sweep_and_come_back_cost_no_trial(
    servers: Servers, local: Path, tmp_path: Path
) -> None:
    studies = servers.postgresql.database("storm")
    servers.mlflow.kill()
    servers.mlflow = MlflowServer(
        servers.postgresql.database("stormy_runs"), DATABASE_PASSWORD, tmp_path
    )
    where = [f"tracking.folder={tmp_path}", f"tracking.uri={servers.mlflow.address}"]
    sweep = start("experiments.sweep", *SWEEP, *where, f"search.storage={studies}")
    assert sweep.stdout is not None
    out = next(line for line in sweep.stdout if "epoch 10/" in line)
    servers.mlflow.kill()
    servers.postgresql.kill()
    out += next(line for line in sweep.stdout if "cannot be reached" in line)
    time.sleep(10)  # longer than an attempt takes
    assert sweep.poll() is None
    servers.postgresql.start()
    servers.mlflow.start()
    rest, _ = sweep.communicate(timeout=600)
    assert sweep.returncode == 0, out + rest
    assert "the study's database is back" in out + rest
    assert in_optuna(tmp_path, studies) == in_optuna(local)
    assert in_mlflow(tmp_path, servers.mlflow.address) == in_mlflow(local)


def test_a_sweep_is_stopped_while_its_database_is_away_and_goes_on_when_it_is_back(
    servers: Servers, local: Path, tmp_path: Path
) -> None:
    studies = servers.postgresql.database("stopped")
    words = [*SWEEP, f"tracking.folder={tmp_path}", f"search.storage={studies}"]
    sweep = start("experiments.sweep", *words)
    assert sweep.stdout is not None
    out = next(line for line in sweep.stdout if "epoch 10/" in line)
    servers.postgresql.kill()
    try:
        out += next(line for line in sweep.stdout if "cannot be reached" in line)
        time.sleep(2)
        os.killpg(sweep.pid, signal.SIGINT)
        rest, _ = sweep.communicate(timeout=300)
    finally:
        servers.postgresql.start()
    assert sweep.returncode == 130, out + rest
    assert "the same command goes on" in rest
    code, out = finish("experiments.sweep", *words, timeout=900)
    assert code == 0, out
    assert in_optuna(tmp_path, studies) == in_optuna(local)
    assert in_mlflow(tmp_path) == in_mlflow(local)


def test_a_server_that_is_away_until_the_end_gets_what_is_missing_from_the_same_command(
    servers: Servers, local: Path, tmp_path: Path
) -> None:
    servers.mlflow.kill()
    servers.mlflow = MlflowServer(
        servers.postgresql.database("late_runs"), DATABASE_PASSWORD, tmp_path
    )
    where = [f"tracking.folder={tmp_path}", f"tracking.uri={servers.mlflow.address}"]
    words = [*SWEEP, *where]
    sweep = start("experiments.sweep", *words)
    assert sweep.stdout is not None
    out = next(line for line in sweep.stdout if "epoch 10/" in line)
    servers.mlflow.kill()
    rest, _ = sweep.communicate(timeout=600)
    assert sweep.returncode == 2, out + rest
    assert "not stored" in rest.splitlines()[-1]
    assert "the same command stores what is missing" in rest.splitlines()[-1]
    assert in_optuna(tmp_path) == in_optuna(local)  # nobody has waited

    servers.mlflow.start()
    code, out = finish("experiments.sweep", *words, timeout=900)
    assert code == 0, out
    assert in_mlflow(tmp_path, servers.mlflow.address) == in_mlflow(local)


class TestRefusals:
    """Each is one line, and exit code 2."""

    @pytest.fixture
    def refused(self, tmp_path: Path) -> "Refused":
        return Refused(tmp_path)

    def test_a_wrong_password_of_the_database(
        self, servers: Servers, refused: "Refused", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPASSWORD", "wr0ng")
        said = refused(f"search.storage={servers.studies}")
        assert servers.studies in said
        assert "password authentication failed" in said
        assert "PGPASSWORD" in said
        assert "wr0ng" not in said

    def test_a_database_that_is_not_there(self, servers: Servers, refused: "Refused") -> None:
        assert "make it, as with createdb" in refused(f"search.storage={servers.studies}x")

    def test_nobody_at_the_address(self, refused: "Refused") -> None:
        nobody = f"127.0.0.1:{free_port()}"
        assert "cannot be reached" in refused(f"search.storage=postgresql+psycopg://{nobody}/a")
        assert "cannot be reached" in refused(f"tracking.uri=http://{nobody}")

    def test_the_database_of_the_runs(self, servers: Servers, refused: "Refused") -> None:
        said = refused(f"search.storage={servers.runs}")
        assert "is MLflow's database; the study needs one of its own" in said

    def test_a_schema_of_another_optuna(self, servers: Servers, refused: "Refused") -> None:
        old = servers.postgresql.database("old")
        with prepared(old):
            RDBStorage(old)
        servers.postgresql.sql("old", "UPDATE alembic_version SET version_num = 'v2.6.0.a'")
        assert f"optuna storage upgrade --storage {old}" in refused(f"search.storage={old}")

    def test_psycopg_that_is_not_installed(
        self, servers: Servers, refused: "Refused", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "psycopg", None)
        said = refused(f"search.storage={servers.studies}")
        assert "pip install 'psycopg[binary]'" in said

    def test_a_wrong_password_of_the_mlflow_server(
        self, servers: Servers, refused: "Refused", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wr0ng")
        said = refused(f"tracking.uri={servers.address}")
        assert "(401)" in said
        assert "MLFLOW_TRACKING_PASSWORD" in said
        assert "wr0ng" not in said

    @pytest.mark.parametrize(
        ("status", "answer", "said"),
        [
            (403, INVALID_HOST_MSG, "--allowed-hosts 127.0.0.1:"),
            (200, "{}", "is a server of MLflow '2.9.1'"),
            (200, "<html>", "is not a usable MLflow server"),
            (503, "busy", "cannot be reached"),
        ],
    )
    def test_a_server_of_another_kind(
        self, refused: "Refused", status: int, answer: str, said: str
    ) -> None:
        with answering(status, answer, version="2.9.1") as address:
            assert said in refused(f"tracking.uri={address}")


class Refused:
    """Runs a sweep that is refused; gives its one line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *words: str) -> str:
        ran = run("sweep", "data=digits", f"tracking.folder={self._folder}", *words)
        assert (ran.code, len(ran.errors)) == (2, 1), ran
        assert ran.errors[0].startswith("error: ")
        return ran.errors[0]
