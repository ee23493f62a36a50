"""The locked packages are those that pip may install on the Python that runs the tests."""

import platform
import re
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

LOCK = Path(__file__).parents[1] / "requirements.lock"


def test_every_locked_package_is_for_this_python() -> None:
    lines = [line for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    refused = []
    for wanted in map(Requirement, lines):
        if wanted.marker is None or wanted.marker.evaluate():
            found = distribution(wanted.name)
            assert f"=={found.version}" == str(wanted.specifier), wanted
            allowed = "".join(found.metadata.get_all("Requires-Python", []))
            # uv, which installs for the tests, does not ask for the upper end; pip does.
            if not SpecifierSet(allowed).contains(platform.python_version()):
                refused.append(f"{wanted}: {allowed}")
    assert refused == []


def test_no_address_is_in_the_lock() -> None:
    assert not re.search(r"https?:|file:|@|--", LOCK.read_text())
