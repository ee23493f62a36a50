"""A search killed after each single write to the disk ends as one that was never killed.

Everything is real but the training and the kill: a write that counts is followed by an exception
that nobody catches, and the search is opened anew. `tests/faults` does the same with SIGKILL.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import RDBStorage

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.driver.checkpoints import Checkpoints
from mnist_seq.driver.loop import Driver
from mnist_seq.records import (
    Callback,
    EpochRecord,
    TrainingState,
    TrainResult,
    Trial,
    TrialOutcome,
    WorkerEvent,
)
from mnist_seq.search.trials import StudyTrials
from tests.examples import few, sweep_config
from tests.search.landscapes import landscape, opened, searching, stored

WRITES: list[tuple[type, str]] = [
    *(
        (RDBStorage, name)
        for name in (
            "create_new_study",
            "set_study_user_attr",
            "create_new_trial",
            "set_trial_intermediate_value",
            "set_trial_user_attr",
            "set_trial_state_values",
        )
    ),
    (Checkpoints, "save_outcome"),
]


class Killed(BaseException):
    """Ends a search as a kill would: nobody catches it."""


class OneSlot:
    """Trains one trial at a time, in no time."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._records: tuple[EpochRecord, ...] = ()
        self._event: tuple[int, WorkerEvent] | None = None

    @property
    def free(self) -> int:
        return int(self._config is None)

    def start(
        self, _number: int, config: Config, _data: Dataset, _state: TrainingState | None = None, /
    ) -> None:
        self._config, self._records = config, ()

    def advance(self, number: int) -> None:
        assert self._config is not None
        epoch = len(self._records) + 1
        # No two epochs alike, and the better trials not always the better ones at first.
        rate, units = self._config.training.learning_rate, self._config.model.units
        accuracy = landscape({"training.learning_rate": rate}) - (units % 7) / 20 / epoch
        record = EpochRecord(epoch, 1.0, accuracy, 1.0, accuracy, rate, 1.0, 1.0)
        self._records = (*self._records, record)
        self._event = number, record

    def finish(self, number: int) -> None:
        best = max(self._records, key=lambda record: record.validation_accuracy)
        self._event = number, TrainResult(self._records, best.epoch, 1, b"a network")

    def save(self, _number: int, /) -> None:
        raise AssertionError("nothing lasts so long")

    def drop(self, _number: int, /) -> None:
        self._config = None

    def next(self, _timeout: float, /) -> tuple[int, WorkerEvent] | None:
        event, self._event = self._event, None
        return event


class Forgetful(Callback):
    """Stands for the recorder: what a trial was saved with is deleted when it has ended."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def on_trial_end(self, trial: Trial, _outcome: TrialOutcome) -> None:
        self._checkpoints.delete(trial.number)


def search(folder: Path, config: SweepConfig) -> None:
    checkpoints = Checkpoints(folder / "unfinished")
    trials = StudyTrials(opened(folder, config), config)
    Driver(trials, OneSlot(), [Forgetful(checkpoints)], checkpoints, lambda _: few(), 0).run()


def found(folder: Path) -> list[dict[str, Any]]:
    return [
        {
            "state": trial.state.name,
            "params": trial.params,
            "value": trial.value,
            "reported": trial.intermediate_values,
            "notes": trial.user_attrs,
        }
        for trial in stored(folder)
    ]


def kill_after(writes: list[tuple[type, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()

    def deadly(method: Callable[..., Any]) -> Callable[..., Any]:
        def write(*arguments: Any, **named: Any) -> Any:
            result = method(*arguments, **named)
            this = f"{method.__name__} {arguments[1:]} {named}"
            if this in seen:  # repeated after the kill
                return result
            seen.add(this)
            raise Killed

        return write

    for owner, name in writes:
        monkeypatch.setattr(owner, name, deadly(getattr(owner, name)))


def search_to_the_end(folder: Path, config: SweepConfig) -> int:
    """How often it was killed."""
    kills = 0
    while True:
        try:
            search(folder, config)
        except Killed:
            kills += 1
        else:
            return kills


@pytest.mark.parametrize(
    ("sampler", "pruner", "trials"),
    [
        pytest.param("gp", "hyperband", 7, marks=pytest.mark.slow),
        pytest.param("tpe", "hyperband", 10, marks=pytest.mark.slow),
        pytest.param("qmc", "median", 7, marks=pytest.mark.slow),
        ("grid", "successive_halving", 5),
    ],
)
def test_a_search_killed_after_each_write_ends_as_if_it_were_not(
    sampler: str, pruner: str, trials: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baselines = sweep_config().search.baselines
    config = searching(sampler, pruner=pruner, trials=trials, baselines=baselines)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    search(whole, config)
    assert len({trial["state"] for trial in found(whole)}) == 2, "some were pruned"
    kill_after(WRITES, monkeypatch)
    assert search_to_the_end(cut, config) > 4 * trials
    assert found(cut) == found(whole)
