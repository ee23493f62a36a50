import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from mnist_seq.errors import StoreError
from mnist_seq.sqlite.database import address, is_made, make_whole
from tests.names import ODD_NAMES


@pytest.mark.parametrize("name", ODD_NAMES)
def test_sqlalchemy_reads_from_an_address_the_path_that_it_was_made_of(name: str) -> None:
    path = f"/data/{name}/optuna.db"
    url = make_url(address(Path(path)))
    assert (url.get_backend_name(), url.database, dict(url.query)) == ("sqlite", path, {})


def test_of_many_that_come_at_once_one_makes_the_database(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(aside: Path) -> None:
        made.append(aside)
        time.sleep(0.2)
        aside.write_text("whole")

    database = tmp_path / "new" / "studies.db"
    threads = [threading.Thread(target=make_whole, args=(database, make)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert database.read_text() == "whole"
    assert sorted(path.name for path in database.parent.iterdir()) == ["studies.db", "studies.lock"]


def leave_nothing(_: Path) -> None: ...


def leave_an_empty_file(database: Path) -> None:
    database.touch()


def leave_half_a_database_aside(database: Path) -> None:
    aside = database.with_name(f"{database.name}.new")
    aside.mkdir()
    (aside / database.name).write_text("half")


@pytest.mark.parametrize("leave", [leave_nothing, leave_an_empty_file, leave_half_a_database_aside])
def test_what_an_interrupted_start_left_is_made_anew(
    leave: Callable[[Path], None], tmp_path: Path
) -> None:
    database = tmp_path / "studies.db"
    leave(database)
    assert not is_made(database)
    make_whole(database, lambda aside: aside.write_text("whole"))
    assert database.read_text() == "whole"
    make_whole(database, shutil.rmtree)  # not called again
    assert is_made(database)


def test_a_making_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(aside: Path) -> None:
        aside.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match=r"cannot keep results here \(No space left on device\)$"):
        make_whole(tmp_path / "studies.db", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["studies.lock"]
