"""Commands in folders of any name, and in folders that were copied, moved or half lost."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from optuna.study import StudyDirection

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.search.storage import StudyStorage
from mnist_seq.tracking.ui import serve_ui
from tests.experiments.commands import ROOT, run
from tests.names import ALL_AT_ONCE, ODD_NAMES

SWEEP = (
    "data=digits",
    "study=placed",
    "search.trials=2",
    "search.sampler=random",
    "~search.space.training",
    "training.epochs=1",
    "model.units=8",
    "workers.count=1",
)
WRITTEN = {"artifacts", "mlflow.db", "mlflow.lock", "optuna.db", "optuna.lock"} | {
    *("reports", "ui.log", "unfinished")
}


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of everything in a folder."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def served(folder: Path) -> bytes:
    """The config of the first trial as MLflow's server sends it to a browser."""
    workspace = Workspace(TrackingConfig(folder=str(folder)))
    (first, *_) = workspace.results.runs(workspace.experiment("placed"), "trial")
    with serve_ui(workspace.store, 0) as (port, _):
        address = f"http://127.0.0.1:{port}/get-artifact?path=config.yaml&run_uuid={first.id}"
        with urlopen(address) as answer:
            return bytes(answer.read())


def done_in(folder: Path, name: str, *arguments: str) -> str:
    """What a command printed in that current folder; it must succeed."""
    ran = run(name, *arguments, folder=folder)
    assert (ran.code, ran.errors) == (0, []), ran.out
    return ran.out


def try_whole(folder: Path) -> None:
    """Run every command in a current folder of its own."""
    folder.mkdir()
    done_in(folder, "sweep", *SWEEP)
    done_in(folder, "report", "study=placed")
    done_in(folder, "inspect", "study=placed", "trial=0", "images=1")
    out = done_in(folder, "rerun", "study=placed", "trial=0", "workers.count=1")
    assert "reproduced exactly" in out
    assert b"units: 50" in served(folder / "mlruns")
    assert {path.name for path in (folder / "mlruns").iterdir()} == WRITTEN
    assert list(folder.parent.iterdir()) == [folder]
    assert list(folder.iterdir()) == [folder / "mlruns"]


@pytest.mark.slow
def test_a_folder_may_have_any_characters_in_its_name(tmp_path: Path) -> None:
    try_whole(tmp_path / ALL_AT_ONCE)


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    try_whole(tmp_path / name)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with a finished sweep of two trials."""
    folder = tmp_path_factory.mktemp("swept")
    done_in(folder, "sweep", *SWEEP)
    return folder


GO_ON = """
import sys
from pathlib import Path
from tests.experiments.commands import ROOT, run

for line in sys.stdin.read().splitlines():
    ran = run(*line.split(), folder=Path(sys.argv[1]))
    print(ran.out, *ran.errors)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "is_original_there"),
    [
        ("copy", True),
        pytest.param("moved? 100%", False, marks=pytest.mark.slow),
        pytest.param("copy? 100%", True, marks=pytest.mark.slow),
        pytest.param("moved", False, marks=pytest.mark.slow),
    ],
)
def test_a_copied_or_moved_folder_is_gone_on_with_in_its_new_place(
    swept: Path, tmp_path: Path, name: str, is_original_there: bool
) -> None:
    original, new = tmp_path / "original", tmp_path / "elsewhere" / name
    shutil.copytree(swept, original)
    Workspace(TrackingConfig(folder=str(original / "mlruns")))  # knows now where it lies
    (shutil.copytree if is_original_there else shutil.move)(original, new)
    before = listing(swept) | listing(original)
    commands = (
        ("sweep", *SWEEP, "search.trials=3"),
        ("inspect", "trial=0", "images=1"),
        ("report",),
        ("rerun", "trial=0", "workers.count=1"),
    )
    # In a process of their own: in one that knew the original, MLflow would remember its runs.
    done = subprocess.run(
        [sys.executable, "-c", GO_ON, str(new)],
        input="\n".join(" ".join(command) for command in commands),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "error: " not in done.stdout
    assert "2 of them are done" in done.stdout
    assert "reproduced exactly" in done.stdout
    assert listing(swept) | listing(original) == before
    kept = new / "mlruns" / "artifacts" / "placed"
    assert len(list(kept.glob("*/artifacts/model.keras"))) == 4  # three trials and the rerun
    assert len(list(kept.glob("*/artifacts/inspect"))) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"elsewhere"} | (
        {"original"} if is_original_there else set()
    )


def remove(database: Path) -> None:
    database.unlink()


def empty(database: Path) -> None:
    database.write_bytes(b"")


def begin_anew(database: Path) -> None:
    database.unlink()
    StudyStorage(database).create("another", [StudyDirection.MAXIMIZE])


def forget_the_last_trial(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM trials WHERE number = 1")


@pytest.mark.slow
@pytest.mark.parametrize("lose", [remove, empty, begin_anew, forget_the_last_trial])
def test_without_the_trials_neither_report_nor_sweep_replaces_what_is_there(
    swept: Path, tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    shutil.copytree(swept, tmp_path, dirs_exist_ok=True)
    done_in(tmp_path, "report")
    studies = tmp_path / "mlruns" / "optuna.db"
    lose(studies)
    lost = 1 if lose is forget_the_last_trial else 2
    before = listing(tmp_path)
    for name, *arguments in (("report", "study=placed"), ("sweep", *SWEEP)):
        ran = run(name, *arguments, folder=tmp_path)
        assert ran.code == 2
        (line,) = ran.errors
        assert line.startswith(f"error: {studies}: lacks {lost} of the 2 trials of placed that ")
    after = listing(tmp_path)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert {path for path in changed if "unfinished" not in path} <= {str(studies.parent)}
