"""A search killed after each single write to the disk ends as one that was never killed.

Everything is real but the training and the kill: a write that counts is followed by an exception
that nobody catches, and the search is opened anew. `tests/faults` does the same with SIGKILL.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnist_seq.checkpoint import Checkpoints
from mnist_seq.config import Config, SweepConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.records import Ending, EpochRecord, Outcome, State, TrainResult
from mnist_seq.roles import Trial
from mnist_seq.search import SearchTrials
from mnist_seq.study_store import StudyStore
from mnist_seq.sweep import Loop
from tests.examples import few, sweep_config
from tests.landscapes import landscape, opened, searching, stored

WRITES: list[tuple[type, str]] = [
    *((StudyStore, name) for name in ("add", "report", "end")),
    (Checkpoints, "save_ending"),
]


class Killed(BaseException):
    """What a process that is killed does not live to see."""


class OneSlot:
    """Trains one trial at a time, in no time."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._records: tuple[EpochRecord, ...] = ()
        self._event: tuple[int, Outcome] | None = None

    @property
    def free(self) -> int:
        return int(self._config is None)

    def start(
        self, _number: int, config: Config, _data: Dataset, _state: State | None = None, /
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

    def next(self, _timeout: float, /) -> tuple[int, Outcome] | None:
        event, self._event = self._event, None
        return event


class Forgetful:
    """Stands for the record keeping: a trial that it was told of is kept no more."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def started(self, trial: Trial, /) -> None:
        pass

    def epoch(self, trial: Trial, record: EpochRecord, /) -> None:
        pass

    def ended(self, trial: Trial, _ending: Ending, /) -> None:
        self._checkpoints.forget(trial.number)

    def message(self, text: str, /) -> None:
        pass


def search(folder: Path, config: SweepConfig) -> None:
    checkpoints = Checkpoints(folder / "unfinished")
    trials = SearchTrials(opened(folder, config), config)
    Loop(trials, OneSlot(), [Forgetful(checkpoints)], checkpoints, lambda _: few(), 0).run()


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
    def deadly(method: Callable[..., None]) -> Callable[..., None]:
        def write(*arguments: Any) -> None:
            method(*arguments)
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
        ("gp", "hyperband", 8),
        ("tpe", "hyperband", 11),
        ("qmc", "median", 8),
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
    assert len({trial["state"] for trial in found(whole)}) == 2, "some were given up"
    kill_after(WRITES, monkeypatch)
    assert search_to_the_end(cut, config) > 4 * trials
    assert found(cut) == found(whole)


def test_epochs_that_were_about_to_be_written_are_not_lost_with_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = searching("tpe", pruner="hyperband", trials=11)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    search(whole, config)
    kill_after([(Checkpoints, "save_ending")], monkeypatch)
    assert search_to_the_end(cut, config) == 11
    assert found(cut) == found(whole)
