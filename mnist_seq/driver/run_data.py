"""The data of an earlier run: found again, and compared with what the run was made with."""

import os
from collections.abc import Sequence

from mnist_seq.config.commands import DataFiles
from mnist_seq.config.settings import Config, DataConfig
from mnist_seq.config.validation import validate, with_values
from mnist_seq.data.digests import PARTS, changed_images, from_tags
from mnist_seq.data.load import training_data
from mnist_seq.errors import DataError
from mnist_seq.terminal.display import say
from mnist_seq.tracking.results import Results, StoredRun


def config_with_data(
    results: Results, run: StoredRun, moved: DataFiles, parts: Sequence[str] = PARTS
) -> Config:
    """Return the config of a run, after checking that its data are those it was made with.

    Parameters
    ----------
    moved : DataFiles
        Where the run's files are now.
    parts : sequence of str
        The parts of the data that are needed: only they must be unchanged.

    Raises
    ------
    ConfigError
        If files are named, but the run's images do not come from files.
    DataError
        If a file is not there, or its images have changed.
    """
    files = {f"data.{name}": file for name, file in moved if file is not None}
    config = with_values(validate(Config, results.config(run.id)), files)
    _check_files(run, config.data)
    known, now = from_tags(run.tags), training_data(config.data).digests
    if changed := changed_images(known, now, config.data, parts):
        is_movable = config.data.source in {"csv", "npz", "images"}
        named = ", or name the files that hold them now" if is_movable else ""
        raise DataError(
            f"{run.name}: its {changed} have changed since it was trained; put them back{named}"
        )
    if "test" in parts and "test" not in known:
        say(
            f"{run.name} was made by an earlier version, which noted no digest of the test images: "
            "whether they have changed since is not known"
        )
    return config


def _check_files(run: StoredRun, data: DataConfig) -> None:
    files = {f"data.{name}": getattr(data, name) for name in DataFiles.model_fields}
    missing = {
        setting: file
        for setting, file in files.items()
        # Path's own methods fail for no such user, and for a name that is too long.
        if file is not None and not os.path.exists(os.path.expanduser(file))  # noqa: PTH110, PTH111
    }
    if missing:
        raise DataError(
            f"{run.name}: {' and '.join(missing.values())}: no such file; if it was moved, say "
            f"where it is now: {' '.join(f'{setting}=...' for setting in missing)}"
        )
