"""Settings composed in several threads at once."""

from concurrent.futures import ThreadPoolExecutor

from mnist_seq.composition.compose import load_config
from mnist_seq.config.commands import TrainConfig


def test_each_thread_gets_its_own_settings() -> None:
    def units(number: int) -> int:
        return load_config("train", TrainConfig, [f"model.units={number}"]).model.units

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(units, range(10, 22))) == list(range(10, 22))
