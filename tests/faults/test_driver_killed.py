import random
from pathlib import Path

import pytest

from tests.faults.sweeps import arguments, finish, in_mlflow, in_optuna, kill_after

SWEEP = "experiments.sweep"


def small(folder: Path) -> list[str]:
    return arguments(
        folder,
        "workers.count=1",
        "search.trials=6",
        "search.space.model.units.high=24",
        "search.space.training.batch_size.choices=[64,128]",
    )


def killed_until_finished(folder: Path, instants: list[float]) -> int:
    """How often it was killed before it came to its end."""
    for kills, seconds in enumerate(instants):
        if not kill_after(seconds, SWEEP, *small(folder)):
            return kills
    code, output = finish(SWEEP, *small(folder))
    assert code == 0, output
    return len(instants)


def assert_equal_to_undisturbed(folder: Path, undisturbed: Path) -> None:
    assert in_optuna(folder) == in_optuna(undisturbed)
    assert in_mlflow(folder) == in_mlflow(undisturbed)
    assert all(trial["state"] != "RUNNING" for trial in in_optuna(folder).values())
    assert all(run["status"] == "FINISHED" for run in in_mlflow(folder).values())
    left = {path.name for path in (folder / "unfinished" / "faulty").iterdir()}
    assert left <= {"driver.lock"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    code, output = finish(SWEEP, *small(folder))
    assert code == 0, output
    return folder


@pytest.mark.slow
def test_a_sweep_killed_three_times_ends_like_one_never_killed(
    undisturbed: Path, tmp_path: Path
) -> None:
    killed_until_finished(tmp_path, [6.0, 9.0, 11.0])
    assert_equal_to_undisturbed(tmp_path, undisturbed)


@pytest.mark.slow
def test_fifty_kills_at_random_instants_change_nothing(undisturbed: Path, tmp_path: Path) -> None:
    random_instant = random.Random(0)
    kills = sweeps = 0
    while kills < 50:
        folder = tmp_path / str(sweeps)
        kills += killed_until_finished(folder, [random_instant.uniform(4, 14) for _ in range(12)])
        assert_equal_to_undisturbed(folder, undisturbed)
        sweeps += 1
