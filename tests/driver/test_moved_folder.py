import contextlib
import os
import shutil
from pathlib import Path

import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import StoreError
from mnist_seq.tracking.locations import recorded_folder


def opened(folder: Path, *, create: bool = False) -> Workspace:
    return Workspace(TrackingConfig(folder=str(folder)), create=create)


def test_a_folder_that_a_command_knows_by_another_name_is_left_to_it(tmp_path: Path) -> None:
    workspace = opened(tmp_path / "mlruns", create=True)
    name = "name-training-0123456789ab"
    mounted = tmp_path / "as mounted elsewhere"
    with workspace.lock(name, name):
        shutil.move(tmp_path / "mlruns", mounted)
        with pytest.raises(StoreError) as told:
            opened(mounted)
        assert str(told.value) == (
            f"{mounted}: {name} is running in it under the name {tmp_path / 'mlruns'}: "
            "wait for it, or stop it"
        )
    assert recorded_folder(opened(mounted).store.database) == mounted


@pytest.mark.parametrize(
    ("current", "folder"),
    [
        (b"here", "~nobody-has-this-name/mlruns"),
        (b"here", "a\0b"),
        (b"\xff: not UTF-8", "mlruns"),
    ],
)
def test_a_folder_that_has_no_address_is_told_in_one_line(
    tmp_path: Path, current: bytes, folder: str
) -> None:
    (place := tmp_path / os.fsdecode(current)).mkdir()
    with (
        contextlib.chdir(place),
        pytest.raises(StoreError, match=r"^tracking\.folder: .* cannot be used \(") as told,
    ):
        opened(Path(folder), create=True)
    assert str(told.value).isprintable()
    assert list(place.iterdir()) == []
