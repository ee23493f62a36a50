"""One driver for each study, and folders in which none can be."""

import os
from pathlib import Path

import pytest

from mnist_seq.driver.lock import driver_lock
from mnist_seq.errors import InputError, TrackingError


def test_a_second_driver_is_told_which_process_is_the_first(tmp_path: Path) -> None:
    first = f"^a is in use by process {os.getpid()}: wait for it, or stop it"
    with (
        driver_lock(tmp_path / "a", "a"),
        pytest.raises(InputError, match=first),
        driver_lock(tmp_path / "a", "a"),
    ):
        pass
    with driver_lock(tmp_path / "a", "a"):
        pass


def test_studies_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with driver_lock(tmp_path / "a", "a"), driver_lock(tmp_path / "b", "b"):
        pass


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(TrackingError, match=r"file/unfinished/a: cannot keep results here \(.*\)$"),
        driver_lock(tmp_path / "file" / "unfinished" / "a", "a"),
    ):
        pass


@pytest.mark.parametrize("name", ["driver.lock", "driver.pid"])
def test_a_file_that_cannot_be_written_is_not_taken_for_another_driver(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    with (
        pytest.raises(TrackingError, match="cannot keep results here"),
        driver_lock(tmp_path, "a"),
    ):
        pass


def test_a_lock_that_is_none_is_not_taken_for_another_driver(tmp_path: Path) -> None:
    (tmp_path / "driver.lock").write_bytes(b"not a database at all, but long enough for one")
    with (
        pytest.raises(TrackingError, match="cannot keep results here"),
        driver_lock(tmp_path, "a"),
    ):
        pass
