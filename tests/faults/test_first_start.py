"""First commands where results cannot be kept, and several at once where they can."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_seq.errors import StoreError
from mnist_seq.search.storage import StudyStorage
from mnist_seq.tracking.store import Store
from tests.experiments.commands import run
from tests.faults.disks import fill
from tests.faults.sweeps import in_mlflow, in_optuna, start

SHORT = (
    "data=digits",
    "search.trials=1",
    "~search.space.training",
    "training.epochs=1",
    "workers.count=1",
)


def refused(folder: Path) -> str:
    """The one line that a first sweep ends with."""
    ran = run("sweep", *SHORT, f"tracking.folder={folder}")
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.errors
    return line


@pytest.mark.parametrize("size", ["4k", "64k", "600k"])
def test_a_first_start_on_a_full_disk_leaves_nothing_that_is_half_made(
    mount: Callable[[str], Path], size: str
) -> None:
    folder = mount(f"size={size}") / "mlruns"
    assert refused(folder) in {
        f"error: {folder}: cannot keep results here ({reason})"
        for reason in ("database or disk is full", "No space left on device")
    }
    assert [path.name for path in folder.rglob("*")] in ([], ["mlflow.lock"])
    mount("remount,size=3m")
    Store.open(folder, create=True)
    fill(folder / "filler")
    with pytest.raises(StoreError, match=r"optuna\..*full"):
        StudyStorage(folder / "optuna.db")
    assert not list(folder.glob("optuna.db*"))
    (folder / "filler").unlink()
    assert StudyStorage(folder / "optuna.db").open("study") is None


@pytest.mark.parametrize("name", ["", "mlruns", "a/b"])
def test_a_first_start_where_nothing_can_be_written_is_one_line(
    mount: Callable[[str], Path], name: str
) -> None:
    folder = mount("ro") / name
    line = refused(folder)
    assert "Read-only file system" in line or "cannot be written or locked" in line


@pytest.mark.parametrize("folder", ["/dev/full", "/dev/null/mlruns", __file__])
def test_what_is_no_folder_is_told_in_one_line(folder: str) -> None:
    before = Path(folder.removesuffix("/mlruns")).stat()
    assert refused(Path(folder)) == (
        f"error: {folder}: cannot keep results here (a file is in its place)"
    )
    assert Path(folder.removesuffix("/mlruns")).stat().st_mode == before.st_mode


@pytest.mark.slow
def test_two_first_sweeps_at_once_in_an_empty_folder_both_work(tmp_path: Path) -> None:
    folder = tmp_path / "mlruns"
    processes = [
        start("experiments.sweep", *SHORT, f"study={study}", f"tracking.folder={folder}")
        for study in ("faulty", "other")
    ]
    said = [process.communicate(timeout=200)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(said)
    assert len(in_optuna(folder)) == len(in_mlflow(folder)) == 1
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("artifacts", "mlflow.db", "mlflow.lock", "optuna.db", "optuna.lock"),
        *("reports", "unfinished"),
    }
