import shutil
from pathlib import Path

import pytest

from mnist_seq.config import TrackingConfig
from mnist_seq.tracking.store import Store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("empty"))
    store.create()
    return store


@pytest.fixture
def tracking(empty_store: Store, tmp_path: Path) -> TrackingConfig:
    """A store of the test's own: a copy, since making one takes seconds."""
    shutil.copy(empty_store.database, tmp_path)
    return TrackingConfig(folder=str(tmp_path))
