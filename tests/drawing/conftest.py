import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="package")
def place() -> Iterator[str]:
    """Host and port of a page that is served."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.drawing.served_page"],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
