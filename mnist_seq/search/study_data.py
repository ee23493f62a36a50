"""The data of a study: kept with it by digest, whatever its files are called."""

from collections.abc import Callable, Iterable

from mnist_seq.config.commands import SweepConfig
from mnist_seq.data.digests import Digests, changed_images
from mnist_seq.errors import DataError
from mnist_seq.search.storage import StudyStorage
from mnist_seq.search.study_settings import check_unchanged, study_name

DATA = "data"


def check_data(
    storage: StudyStorage,
    config: SweepConfig,
    data: Digests,
    earlier: Callable[[str], Iterable[Digests]],
) -> None:
    """Raise a DataError if the config's study has trials of other data; nothing is written.

    Parameters
    ----------
    data : mapping
        Digests of the config's data.
    earlier : callable
        Digests on the runs of a study, by its name: asked for a study that has none itself.

    Raises
    ------
    ConfigError
        If the study had other settings: its data may differ for that reason alone.
    DataError
        If the images themselves have changed.
    """
    name = study_name(config)
    if storage.open(name) is None:
        return
    stored = storage.attributes()
    check_unchanged(name, stored["settings"], config)
    for known in [stored[DATA]] if DATA in stored else earlier(name):
        if changed := changed_images(known, data, config.data):
            raise DataError(
                f"study {name}: its {changed} have changed since it was begun; put them back to "
                "go on with it, or begin a new study with study=NAME"
            )


def keep_data(storage: StudyStorage, data: Digests) -> None:
    """Keep the digests of its data with the open study."""
    if storage.attributes().get(DATA) != data:
        storage.set_attribute(DATA, dict(data))
