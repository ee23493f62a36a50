"""Tables written as files, settings for them, and a cache that is no one's but the test's."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from mnist_seq.config.settings import DataConfig

WriteCsv: TypeAlias = Callable[..., str]
MakeConfig: TypeAlias = Callable[..., DataConfig]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "mnist-seq"


@pytest.fixture
def write_csv(tmp_path: Path) -> WriteCsv:
    def write(rows: Iterable[str], name: str = "letters.csv") -> str:
        path = tmp_path / name
        path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def config() -> MakeConfig:
    def make(**changes: Any) -> DataConfig:
        settings: dict[str, Any] = {
            "source": "mnist",
            "train_file": None,
            "test_file": None,
            "validation_fraction": 0.1,
            "validation_split": "stratified",
            "split_seed": 0,
            "scaling": "unit",
        }
        return DataConfig(**settings | changes)

    return make
