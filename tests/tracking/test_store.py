import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mnist_seq.errors import StoreError, TrackingError
from mnist_seq.tracking.store import Store
from tests.names import ALL_AT_ONCE, ODD_NAMES

OPEN_AND_START = """
import sys
from pathlib import Path
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Tracker

with Tracker(Store.open(Path(sys.argv[1]), create=True)) as tracker:
    tracker.start(tracker.experiment("race"), "run", "training", {}, {}).finish("FINISHED")
print(sorted({name.partition(".")[0] for name in sys.modules} & {"tensorflow", "keras"}))
"""


@pytest.mark.slow
def test_three_processes_may_open_a_fresh_store_at_once_and_none_loads_tensorflow(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "new" / "mlruns"
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_AND_START, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [command.communicate(timeout=120) for command in commands]
    assert said == [("[]\n", "")] * 3
    client = Store.open(folder).client
    race = client.get_experiment_by_name("race")
    assert race is not None
    assert len(client.search_runs([race.experiment_id])) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["mlflow.db", "mlflow.lock"]


def test_a_making_that_was_interrupted_does_no_harm(tmp_path: Path) -> None:
    half = tmp_path / "mlflow.db.new" / "mlflow.db"
    half.parent.mkdir()
    half.write_bytes(b"half a database")
    store = Store.open(tmp_path, create=True)
    assert [e.name for e in store.client.search_experiments()] == ["Default"]


@pytest.mark.parametrize("name", [*ODD_NAMES, ALL_AT_ONCE])
def test_any_folder_name_will_do(empty_store: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    shutil.copy(empty_store.database, tmp_path / name)
    store = Store.open(tmp_path / name)
    store.client.create_experiment("here", store.artifacts.as_uri())
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with closing(sqlite3.connect(store.database)) as connection:
        assert connection.execute("SELECT count(*) FROM experiments").fetchone() == (2,)


def test_a_store_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TrackingError) as told:
        Store.open(tmp_path)
    assert str(told.value) == (f"no runs yet in {tmp_path}: start with python -m experiments.sweep")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"not a database" * 100, "file is not a database"), (b"", "no such table")],
)
def test_a_foreign_file_is_told_at_once(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "mlflow.db").write_bytes(content)
    with pytest.raises(TrackingError, match=f"not a usable MLflow database .*{reason}"):
        Store.open(tmp_path)


def test_another_schema_is_told_with_its_cure(empty_store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(shutil.copy(empty_store.database, tmp_path))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
        connection.commit()
    with pytest.raises(TrackingError, match=r"run mlflow db upgrade sqlite\+pysqlite:///"):
        Store.open(tmp_path)


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot keep results here \(a file is in its place\)$"):
        Store.open(tmp_path / "file" / "mlruns", create=True)
