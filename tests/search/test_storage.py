"""What a search keeps on disk, as others find it: Optuna itself, and a session that comes later."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from sqlalchemy.engine import URL

from mnist_seq.errors import StoreError
from mnist_seq.search.storage import StudyStorage
from tests.search.landscapes import INSIDE, asked, opened, searching, stored, trial


def not_a_database(path: Path) -> None:
    path.write_text("a shopping list\n" * 100)


def of_another_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE studies (name TEXT)")
    connection.close()


def of_another_version(path: Path) -> None:
    optuna.storages.RDBStorage(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9'")
    connection.close()


@pytest.mark.parametrize("spoil", [not_a_database, of_another_program, of_another_version])
def test_a_database_that_cannot_be_read_is_told_in_one_line(
    spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "optuna.db"
    spoil(path)
    with pytest.raises(StoreError) as refused:
        StudyStorage(path).open("study")
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_trial_that_was_put_in_a_queue_is_resumed(tmp_path: Path) -> None:
    config = searching()
    first = opened(tmp_path, config)
    trial(first, asked(first))
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    optuna.load_study(study_name="study", storage=url).enqueue_trial(INSIDE)
    study = opened(tmp_path, config)
    taken = study.resume()
    assert [(one.number, one.settings) for one in taken] == [(1, INSIDE)]
    trial(study, taken[0])
    assert stored(tmp_path)[1].params == INSIDE
    assert asked(study).number == 2


def test_trials_that_run_are_read_without_changing_the_database(tmp_path: Path) -> None:
    study = opened(tmp_path, searching())
    trial(study, asked(study))
    runs = asked(study)
    before = (tmp_path / "optuna.db").read_bytes()
    storage = StudyStorage(tmp_path / "optuna.db")
    assert storage.open("study") == "study"
    assert storage.running() == {1: runs.settings}
    assert [each.number for each in storage.finished()] == [0]
    assert (tmp_path / "optuna.db").read_bytes() == before


MAKE = """
import sys
from pathlib import Path
from optuna.study import StudyDirection
from mnist_seq.search.storage import StudyStorage

StudyStorage(Path(sys.argv[1])).create(sys.argv[2], [StudyDirection.MAXIMIZE])
"""


@pytest.mark.slow
def test_many_processes_may_make_the_database_at_once(tmp_path: Path) -> None:
    database = tmp_path / "new? 100%" / "optuna.db"
    names = ["a", "b", "c", "d"]
    commands = [
        subprocess.Popen([sys.executable, "-c", MAKE, str(database), name], stderr=subprocess.PIPE)
        for name in names
    ]
    assert [command.communicate(timeout=120)[1] for command in commands] == [b""] * 4
    url = URL.create("sqlite", database=str(database)).render_as_string()
    assert sorted(optuna.get_all_study_names(url)) == names
    assert sorted(path.name for path in database.parent.iterdir()) == ["optuna.db", "optuna.lock"]
