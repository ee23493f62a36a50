"""Pages that cannot be written: what they would say is printed all the same."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.experiments.commands import run
from tests.experiments.test_earlier_version import ARCHIVE
from tests.faults.disks import fill

Mount = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of five trials."""
    made = tmp_path_factory.mktemp("study")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(made, filter="data")
    return made / "mlruns"


def in_a_folder_that_cannot_be_made(mount: Mount) -> Path:
    return mount("ro") / "new" / "page.html"


def on_a_full_disk(mount: Mount) -> Path:
    disk = mount("size=1m")
    fill(disk / "filler")
    return disk / "page.html"


def on_a_read_only_disk(mount: Mount) -> Path:
    return mount("ro") / "page.html"


@pytest.mark.parametrize(
    "place", [in_a_folder_that_cannot_be_made, on_a_full_disk, on_a_read_only_disk]
)
@pytest.mark.parametrize(
    ("command", "finding"),
    [
        (("report", "study=before"), "- 4 trials with a value, alike"),
        (("inspect", "study=before", "trial=0", "images=1"), "of the answers"),
    ],
)
def test_findings_are_printed_where_the_page_cannot_be_written(
    folder: Path,
    mount: Mount,
    place: Callable[[Mount], Path],
    command: tuple[str, ...],
    finding: str,
) -> None:
    page = place(mount)
    ran = run(*command, f"file={page}", f"tracking.folder={folder}")
    assert finding in ran.out
    assert ran.code == 2
    (line,) = ran.errors
    assert line.startswith(f"error: {page}: ")
    assert not [path for path in page.parent.glob("*") if path.name.startswith("page")]
