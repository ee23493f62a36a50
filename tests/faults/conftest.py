import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Function that makes a file system of its own with the given options."""
    place = tmp_path / "disk"
    place.mkdir()

    def carry_out(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
            pytest.skip("mounting a file system needs root")
        return place

    yield carry_out
    while place.is_mount():
        subprocess.run(["umount", "-l", str(place)], check=True)
