import shutil
from pathlib import Path

import pytest

from mnist_seq.tracking.store import Store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.open(tmp_path_factory.mktemp("empty"), create=True)


@pytest.fixture
def store(empty_store: Store, tmp_path: Path) -> Store:
    """A store of the test's own: a copy, since making one takes seconds."""
    shutil.copy(empty_store.database, tmp_path)
    return Store.open(tmp_path)
