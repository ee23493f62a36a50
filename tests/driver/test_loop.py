"""Whole searches on digits, with everything real but the display: study, files and processes."""

import functools
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Config, Values
from mnist_seq.data.dataset import Dataset
from mnist_seq.driver.checkpoints import Checkpoints
from mnist_seq.driver.loop import Driver
from mnist_seq.errors import FaultError, StoreError
from mnist_seq.network import training
from mnist_seq.records import Callback, EpochRecord, TrainingState, Trial, TrialOutcome
from mnist_seq.search.trials import StudyTrials
from mnist_seq.workers.cluster import open_workers
from mnist_seq.workers.pool import Workers
from mnist_seq.workers.tasks import TrainingFunctions
from tests.examples import few, sweep_config
from tests.search.landscapes import opened
from tests.workers.pools import SETTINGS, wait_until_free

FUNCTIONS = TrainingFunctions(training.warm_up, training.begin, training.advance, training.finish)
RATES = {"training.learning_rate": {"low": 0.001, "high": 0.1, "log": True}}


def nothing(_trial: Trial, _record: EpochRecord) -> None:
    pass


@dataclass
class Ledger(Callback):
    """All that a callback is told, in order."""

    does: Callable[[Trial, EpochRecord], None] = nothing
    values: dict[int, Values] = field(default_factory=dict)
    curves: dict[int, list[EpochRecord]] = field(default_factory=dict)
    outcomes: dict[int, TrialOutcome] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def on_trial_start(self, trial: Trial) -> None:
        assert trial.number not in self.values
        self.values[trial.number] = trial.settings
        self.curves[trial.number] = []

    def on_epoch_end(self, trial: Trial, record: EpochRecord) -> None:
        self.curves[trial.number].append(record)
        assert record.epoch == len(self.curves[trial.number]), "each epoch once, in order"
        self.does(trial, record)

    def on_trial_end(self, trial: Trial, outcome: TrialOutcome) -> None:
        assert trial.number not in self.outcomes
        # The epochs of a trial that ended in an earlier session are not told again.
        assert self.curves[trial.number] in ([], list(outcome.records))
        self.outcomes[trial.number] = outcome

    def on_trial_refused(self, trial: Trial, outcome: TrialOutcome) -> None:
        assert trial.number not in self.outcomes
        self.outcomes[trial.number] = outcome

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def states(self) -> list[str]:
        return [self.outcomes[number].state for number in sorted(self.outcomes)]


def searching(space: dict[str, Any] = RATES, *overrides: str, **search: Any) -> SweepConfig:
    small = ["data=digits", "model.units=6", "training.epochs=4", "search.trials=4"]
    whole = sweep_config(*small, *overrides).model_dump()
    whole["search"] |= {"space": space, "baselines": [], "sampler": "random", "pruner": "none"}
    whole["search"] |= search
    return SweepConfig.model_validate(whole)


def trials_of(config: SweepConfig, folder: Path) -> StudyTrials:
    folder.mkdir(exist_ok=True)
    return StudyTrials(opened(folder, config), config)


def searched(
    pool: Workers,
    config: SweepConfig,
    folder: Path,
    ledger: Ledger | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Ledger:
    ledger = ledger or Ledger()
    driver = Driver(
        trials_of(config, folder),
        pool,
        [ledger],
        Checkpoints(folder / "unfinished"),
        lambda _: few(),
        config.search.retries,
    )
    is_complete = driver.run(is_stopped)
    assert is_complete != is_stopped()
    return ledger


def alike(first: Ledger, second: Ledger) -> bool:
    return first.values == second.values and all(
        a.same_curve(b)
        for number in first.curves.keys() | second.curves.keys()
        for a, b in zip(first.curves[number], second.curves[number], strict=True)
    )


@pytest.fixture(scope="module")
def undisturbed(pool: Workers, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return searched(pool, searching(), tmp_path_factory.mktemp("undisturbed"))


def test_a_search_trains_every_trial_to_its_end(undisturbed: Ledger) -> None:
    assert undisturbed.states() == ["complete"] * 4
    assert [len(curve) for curve in undisturbed.curves.values()] == [4] * 4
    assert len({str(values) for values in undisturbed.values.values()}) == 4
    for outcome in undisturbed.outcomes.values():
        assert outcome.result is not None
        assert outcome.best == outcome.result.best


def test_a_search_repeats_trial_by_trial_and_bit_for_bit(
    pool: Workers, undisturbed: Ledger, tmp_path: Path
) -> None:
    assert alike(searched(pool, searching(), tmp_path), undisturbed)


def test_each_trial_is_the_training_of_its_config(undisturbed: Ledger) -> None:
    for number, values in undisturbed.values.items():
        rate = values["training.learning_rate"]
        config = searching(RATES, f"training.learning_rate={rate}")
        expected = [record for record, _ in training.train(config, few())]
        for ours, here in zip(undisturbed.curves[number], expected, strict=True):
            assert ours.same_curve(here)


# --- a process dies


def kill_workers_of(pool: Workers, *numbers: int) -> None:
    """End the processes that trials live in, all at once."""
    slots = [pool._trainings[number].slot for number in numbers]
    for process in pool._client.run(os.getpid, workers=slots).values():
        os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_trial_outlives_its_worker_and_each_epoch_is_told_once(
    pool: Workers, undisturbed: Ledger, tmp_path: Path, deaths: int
) -> None:
    # A training that began while the only process with the images died would be lost with it.
    wait_until_free(pool, 2)
    last_epochs = [2, 3][:deaths]  # with more to come: each death is one that the trial feels

    def kill(trial: Trial, record: EpochRecord) -> None:
        if trial.number == 0 and record.epoch in last_epochs:
            kill_workers_of(pool, 0)

    ledger = searched(pool, searching(), tmp_path, Ledger(kill))
    # Another trial that began when both processes had just lost the images may have lost its own.
    told = [message for message in ledger.messages if message.startswith("trial 0:")]
    assert len(told) == deaths
    assert ledger.states() == ["complete"] * 4
    assert alike(ledger, undisturbed)


def test_a_search_outlives_all_of_its_workers_at_once(
    pool: Workers, undisturbed: Ledger, tmp_path: Path
) -> None:
    while pool.free < 2:  # one may still be on its way back from the test before
        time.sleep(0.1)

    def kill(trial: Trial, record: EpochRecord) -> None:
        # The first epoch that is heard of: no trial can be over yet, so both slots are taken.
        if sum(map(len, ledger.curves.values())) == 1:
            kill_workers_of(pool, 0, 1)

    ledger = Ledger(kill)
    searched(pool, searching(), tmp_path, ledger)
    assert sorted(message.partition(":")[0] for message in ledger.messages) == [
        "trial 0",
        "trial 1",
    ]
    assert ledger.states() == ["complete"] * 4
    assert alike(ledger, undisturbed)


def crashes(
    settings: Config, data: Dataset, state: TrainingState
) -> tuple[EpochRecord, TrainingState]:
    if state.epoch == 1 and settings.training.learning_rate == 0.02:
        os.abort()
    return training.advance(settings, data, state)


@pytest.mark.slow
def test_a_trial_that_crashes_too_often_is_failed_alone(pool: Workers, tmp_path: Path) -> None:
    rates = {"training.learning_rate": {"choices": [0.01, 0.02, 0.03]}}
    config = searching(rates, sampler="grid", trials=3, retries=0)
    crashing = with_steps(pool, advance=crashes)
    ledger = searched(crashing, config, tmp_path)
    assert ledger.states() == ["complete", "failed", "complete"]
    assert str(ledger.outcomes[1].reason).startswith("crash: Aborted")
    assert len(ledger.curves[1]) == 1


# --- faults that are not the trial's own


def with_steps(pool: Workers, **steps: Any) -> Workers:
    """The same processes, with other steps of a training."""
    notes = pool._slots._crash_notes
    return Workers(pool._client, replace(FUNCTIONS, **steps), SETTINGS, notes)


def test_a_trial_whose_workers_are_killed_again_and_again_ends_the_session_alone(
    pool: Workers, undisturbed: Ledger, tmp_path: Path
) -> None:
    def kill(trial: Trial, record: EpochRecord) -> None:
        if trial.number == 1 and record.epoch == 1:
            kill_workers_of(pool, 1)

    first = Ledger(kill)
    with pytest.raises(FaultError, match=r"^trial 1: worker died: .*; when that is mended, the"):
        searched(pool, searching(retries=0), tmp_path, first)
    assert "failed" not in first.states()
    drop_all(pool)
    second = searched(pool, searching(), tmp_path)
    assert same_ends(second, undisturbed)


def fails_where_it_is_not_mended(
    step: Callable[..., Any], mended: Path, error: Exception, *arguments: Any
) -> Any:
    if not mended.exists() and arguments[-1].epoch >= 2:
        raise error
    return step(*arguments)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("advance", OSError(28, "No space left on device", "/tmp/tmp12/x")),
        ("finish", RuntimeError("HDF5: file write failed: No space left on device")),
        ("finish", ImportError("libhdf5.so: cannot open shared object file")),
    ],
)
def test_a_fault_ends_the_session_and_no_trial(
    pool: Workers, undisturbed: Ledger, tmp_path: Path, step: str, error: Exception
) -> None:
    real, mended = getattr(FUNCTIONS, step), tmp_path / "mended"
    faulty = with_steps(
        pool, **{step: functools.partial(fails_where_it_is_not_mended, real, mended, error)}
    )
    told: Ledger = Ledger()
    with pytest.raises(FaultError) as fault:
        searched(faulty, searching(), tmp_path, told)
    assert "\n" not in str(fault.value)
    assert str(error) in str(fault.value)
    assert told.outcomes == {}
    drop_all(faulty)
    mended.touch()
    assert same_ends(searched(with_steps(pool), searching(), tmp_path), undisturbed)


def test_a_database_that_ends_the_session_leaves_the_states_of_all_trainings(
    pool: Workers, undisturbed: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = StudyTrials.report

    def ended(trials: StudyTrials, trial: Trial, best: EpochRecord, epoch: int) -> None:
        if (trial.number, epoch) == (1, 2):
            raise StoreError("trial 1: another program has ended it")
        report(trials, trial, best, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(StudyTrials, "report", ended)
        with pytest.raises(StoreError, match="another program has ended it"):
            searched(pool, searching(), tmp_path)
    saved = Checkpoints(tmp_path / "unfinished").state(1)
    assert saved is not None
    assert saved.epoch == 2
    drop_all(pool)
    assert same_ends(searched(pool, searching(), tmp_path), undisturbed)


def test_a_refused_trial_is_told_to_the_callbacks(pool: Workers, tmp_path: Path) -> None:
    space = {
        "model.return_sequences": {"choices": [False, True]},
        "model.readout": {"choices": ["mean"]},
    }
    ledger = searched(pool, searching(space, sampler="grid", trials=2), tmp_path)
    assert ledger.states() == ["failed", "complete"]
    assert list(ledger.curves) == [1], "it was never started"


def drop_all(pool: Workers) -> None:
    for number in list(pool._trainings):  # as the end of the driver's process would
        pool.drop(number)


def same_ends(ledger: Ledger, expected: Ledger) -> bool:
    """Whether all trials are complete, with those curves."""
    assert ledger.states() == ["complete"] * len(expected.curves)
    return all(
        a.same_curve(b)
        for number, curve in expected.curves.items()
        for a, b in zip(ledger.outcomes[number].records, curve, strict=True)
    )


# --- a trial fails, or is pruned


def test_a_failed_trial_costs_that_trial_alone(pool: Workers, tmp_path: Path) -> None:
    rates = {"training.learning_rate": {"choices": [0.01, 100.0, 0.02]}}
    config = searching(rates, "training.optimizer=lamb", sampler="grid", trials=3)
    ledger = searched(pool, config, tmp_path)
    assert ledger.states() == ["complete", "failed", "complete"]
    failed = ledger.outcomes[1]
    assert str(failed.reason).startswith("not finite: ")
    assert "learning_rate 100" in str(failed.reason)
    assert failed.result is None
    assert len(failed.records) < 4


def test_a_search_whose_trials_all_fail_alike_is_given_up(pool: Workers, tmp_path: Path) -> None:
    rates = {"training.learning_rate": {"low": 90, "high": 100}}
    config = searching(rates, "training.optimizer=lamb", max_failures=2, trials=20)
    ledger = searched(pool, config, tmp_path)
    assert set(ledger.states()) == {"failed"}
    assert len(ledger.states()) <= 3, "two, and one that was running meanwhile"
    assert "search.max_failures" in str(trials_of(config, tmp_path).given_up)


@pytest.mark.slow
def test_a_search_goes_on_where_one_succeeds_after_others_failed_alike(
    pool: Workers, tmp_path: Path
) -> None:
    slow: Values = {"training.learning_rate": 0.01, "training.epochs": 120}
    failing: Values = {"training.learning_rate": 95}
    config = searching(
        {"training.learning_rate": {"low": 0.001, "high": 0.01}},
        "training.optimizer=lamb",
        baselines=[slow, failing, failing],
        max_failures=2,
        trials=5,
    )
    ledger = searched(pool, config, tmp_path)
    assert ledger.states() == ["complete", "failed", "failed", "complete", "complete"]


def test_a_bad_trial_is_pruned_but_never_a_baseline(tmp_path: Path) -> None:
    rates = {"training.learning_rate": {"choices": [0.03, 1e-9, 1e-8, 1e-7]}}
    baselines = [{"training.learning_rate": rate} for rate in (0.03, 1e-9)]
    config = searching(rates, baselines=baselines, pruner="successive_halving", sampler="grid")
    # One at a time: of two, one may be decided on before there is a better one to fall behind.
    with open_workers(sweep_config("workers.count=1").workers, FUNCTIONS) as single:
        ledger = searched(single, config, tmp_path)
    assert ledger.states() == ["complete", "complete", "pruned", "pruned"]
    for number in (2, 3):
        assert len(ledger.curves[number]) < 4
        assert ledger.outcomes[number].result is None


# --- stopped and gone on with


def test_a_search_stopped_where_a_worker_has_died_saves_the_others(
    pool: Workers, tmp_path: Path
) -> None:
    wait_until_free(pool, 2)
    heard_of: set[int] = set()

    def is_stopped() -> bool:
        if heard_of == {0, 1}:
            slot = pool._trainings[0].slot
            kill_workers_of(pool, 0)
            while slot in pool._slots.present:
                pool._slots._last_refresh = 0.0
                pool._slots.refresh()
            heard_of.add(-1)
        return -1 in heard_of

    config = searching(RATES, "training.epochs=500", trials=2)
    ledger = Ledger(lambda trial, _record: heard_of.add(trial.number))
    searched(pool, config, tmp_path, ledger, is_stopped)
    assert ledger.outcomes == {}
    assert Checkpoints(tmp_path / "unfinished").state(1) is not None
    pool.drop(1)


def test_where_nobody_can_be_told_any_more_all_states_are_saved(
    pool: Workers, tmp_path: Path
) -> None:
    def tell(_trial: Trial, record: EpochRecord) -> None:
        if record.epoch == 2:
            raise BrokenPipeError

    wait_until_free(pool, 2)
    config = searching(RATES, "training.epochs=500", trials=2)
    with pytest.raises(BrokenPipeError):
        searched(pool, config, tmp_path, Ledger(tell))
    saved = [Checkpoints(tmp_path / "unfinished").state(number) for number in (0, 1)]
    assert max(state.epoch for state in saved if state is not None) >= 2
    for number in (0, 1):
        pool.drop(number)


@pytest.mark.parametrize("epochs", [1, 7, 11])
def test_a_search_stopped_anywhere_goes_on_to_the_same_end(
    pool: Workers, undisturbed: Ledger, tmp_path: Path, epochs: int
) -> None:
    told: list[EpochRecord] = []

    def is_stopped() -> bool:
        return len(told) >= epochs

    first = Ledger(lambda _trial, record: told.append(record))
    searched(pool, searching(), tmp_path, first, is_stopped)
    for number in first.curves.keys() - first.outcomes.keys():
        pool.drop(number)  # as the end of its process would
    second = searched(pool, searching(), tmp_path)
    assert [first.curves.keys(), first.outcomes.keys()] != [set(range(4))] * 2, "it was stopped"
    # What ended before was kept for those who may not have been told.
    assert second.outcomes.keys() == set(range(4))
    assert second.states() == ["complete"] * 4
    for number, curve in undisturbed.curves.items():
        outcome = second.outcomes[number]
        assert all(a.same_curve(b) for a, b in zip(outcome.records, curve, strict=True))


def test_the_same_search_with_more_trials_goes_on(
    pool: Workers, undisturbed: Ledger, tmp_path: Path
) -> None:
    searched(pool, searching(trials=2), tmp_path)
    for number in (0, 1):
        Checkpoints(tmp_path / "unfinished").delete(number)
    more = searched(pool, searching(), tmp_path)
    assert more.outcomes.keys() == {2, 3}
    assert more.values == {number: undisturbed.values[number] for number in (2, 3)}


def test_a_search_with_enough_trials_trains_nothing(
    pool: Workers, undisturbed: Ledger, tmp_path: Path
) -> None:
    searched(pool, searching(trials=1), tmp_path)
    Checkpoints(tmp_path / "unfinished").delete(0)
    assert searched(pool, searching(trials=1), tmp_path).outcomes == {}


def test_no_trial_is_started_after_the_time_is_over(pool: Workers, tmp_path: Path) -> None:
    config = searching(timeout=1e-6)
    trials_of(config, tmp_path)
    time.sleep(0.001)
    assert searched(pool, config, tmp_path).outcomes == {}
