"""The page of a sweep while it runs, written beside it: real sweeps on the digits."""

import os
import re
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from tests.experiments.commands import printed, run
from tests.faults.sweeps import STUDY, arguments, finish, in_optuna, start, wait_for

REFRESH = '<meta http-equiv="refresh" content="10">'
FOLLOW = ("experiments.report", "follow=true", f"study={STUDY}")
# One worker, so that its trials are the same whenever it is run; of these none is pruned.
SMALL = ("workers.count=1", "search.trials=3", "search.sampler=random", "search.pruner=none")
# Sixty times as long as any other trial on the digits.
LONG = ("search.baselines=[{training.epochs:600}]", "training.epochs=600")


def page_of(folder: Path) -> Path:
    return folder / "reports" / f"{STUDY}.html"


def runs_at_epoch(page: Path) -> int:
    """The epoch of trial 0, where the page says that it runs and has its curve; 0 elsewhere."""
    text = page.read_text() if page.exists() else ""
    row = re.search(r'<tr><td class="number">0</td><td>(\d+) of 600</td>', text)
    has_curve = "Trials that run are blue" in text
    return int(row[1]) if row and has_curve and REFRESH in text else 0


def writers(driver: int) -> list[psutil.Process]:
    """The processes that write pages for a sweep's driver."""
    children = psutil.Process(driver).children()
    return [child for child in children if "multiprocessing.spawn" in " ".join(child.cmdline())]


def of_report(folder: Path, other: Path) -> str:
    """What `report` writes of the study, to another file."""
    printed("report", f"study={STUDY}", f"tracking.folder={folder}", f"file={other}")
    return other.read_text()


def said_while_waiting(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "waiting for it to begin" in line, line + process.communicate()[0]
    return line


def test_without_any_study_there_is_nothing_to_follow(tmp_path: Path) -> None:
    ran = run("report", "follow=true", f"tracking.folder={tmp_path / 'none'}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.errors == [
        f"error: no runs yet in {tmp_path / 'none'}: start with python -m experiments.sweep"
    ]


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_follow_says_so_in_a_line_and_leaves_nothing(number: int, tmp_path: Path) -> None:
    Workspace(TrackingConfig(folder=str(tmp_path)), create=True)
    process = start(*FOLLOW, f"tracking.folder={tmp_path}")
    before = sorted(tmp_path.rglob("*"))
    assert f"no sweep runs {STUDY} (no study {STUDY} in " in said_while_waiting(process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "stopped\n")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_a_sweep_is_watched_from_its_begin_until_it_is_stopped(tmp_path: Path) -> None:
    Workspace(TrackingConfig(folder=str(tmp_path)), create=True)
    where = f"tracking.folder={tmp_path}"
    pages = [page_of(tmp_path), tmp_path / "followed.html"]
    follow = start(*FOLLOW, where, f"file={pages[1]}")
    said_while_waiting(follow)
    sweep = start("experiments.sweep", *arguments(tmp_path, *SMALL, *LONG, "report=live"))
    for page in pages:
        wait_for(lambda page=page: runs_at_epoch(page) > 0, 300)
    before = [runs_at_epoch(page) for page in pages]
    for page, epoch in zip(pages, before, strict=True):
        wait_for(lambda page=page, epoch=epoch: runs_at_epoch(page) > epoch, 300)
    stopped = start(*FOLLOW, where)
    assert stopped.stdout is not None
    assert "written again while its sweep runs" in stopped.stdout.readline()
    stopped.terminate()
    assert stopped.communicate(timeout=60)[0] == "stopped\n"
    assert [path.name for path in (tmp_path / "reports").iterdir()] == [f"{STUDY}.html"]

    os.killpg(sweep.pid, signal.SIGINT)  # as Ctrl-C does, in a terminal
    output, _ = sweep.communicate(timeout=120)
    assert sweep.returncode == 130, output
    assert f"{pages[0]}: the report, written again while the sweep runs" in output
    followed, _ = follow.communicate(timeout=120)
    assert follow.returncode == 0, followed
    final = of_report(tmp_path, tmp_path / "again.html")
    assert REFRESH not in final
    for page in pages:
        assert page.read_text() == final


@pytest.mark.slow
def test_a_killed_sweep_takes_the_writer_of_its_page_along(tmp_path: Path) -> None:
    sweep = start("experiments.sweep", *arguments(tmp_path, *SMALL, *LONG, "report=live"))
    wait_for(lambda: runs_at_epoch(page_of(tmp_path)) > 0, 300)
    (writer,) = writers(sweep.pid)
    assert writer.nice() > psutil.Process(sweep.pid).nice()
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.communicate()
    wait_for(lambda: not writer.is_running(), 120)
    assert REFRESH not in page_of(tmp_path).read_text()
    assert [path.name for path in (tmp_path / "reports").iterdir()] == [f"{STUDY}.html"]


@pytest.mark.slow
def test_a_live_report_changes_no_trial_and_ends_as_the_report(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("end", "live")}
    for name, folder in folders.items():
        code, output = finish("experiments.sweep", *arguments(folder, *SMALL, f"report={name}"))
        assert code == 0, output
    assert in_optuna(folders["live"]) == in_optuna(folders["end"])
    live = folders["live"]
    final = of_report(live, tmp_path / "again.html")
    assert page_of(live).read_text() == final
    page_of(live).unlink()
    printed("report", "follow=true", f"study={STUDY}", f"tracking.folder={live}")
    assert page_of(live).read_text() == final
    assert [path.name for path in page_of(live).parent.iterdir()] == [f"{STUDY}.html"]
