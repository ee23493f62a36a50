"""How the trials of a study end or are resumed, on a landscape that is known."""

from pathlib import Path

import optuna
import pytest

from mnist_seq.search.study import Study
from tests.search.landscapes import EPOCHS, INSIDE, asked, opened, searching, stored, trial

# --- outcomes


def test_outcomes_are_stored_as_optuna_names_them(tmp_path: Path) -> None:
    study = opened(tmp_path, searching())
    for _ in range(3):
        asked(study)
    study.report(0, 1, 0.5)
    study.tell(0, "complete", 0.6)
    study.report(1, 1, 0.25)
    study.report(1, 2, 0.375)
    study.tell(1, "pruned")
    study.tell(2, "failed", run="abc", reason="the loss is not finite")
    complete, pruned, failed = stored(tmp_path)
    assert (complete.state.name, complete.value) == ("COMPLETE", 0.6)
    assert (pruned.state.name, pruned.value) == ("PRUNED", 0.375)
    assert pruned.intermediate_values == {1: 0.25, 2: 0.375}
    assert (failed.state.name, failed.value) == ("FAIL", None)
    assert failed.user_attrs == {"run": "abc", "reason": "the loss is not finite"}
    over = study.finished()
    assert [one.state for one in over] == ["complete", "pruned", "failed"]
    assert over[2].reason == "the loss is not finite"


def test_an_epoch_reported_twice_counts_as_it_did_first(tmp_path: Path) -> None:
    study = opened(tmp_path, searching())
    asked(study)
    study.report(0, 1, 0.5)
    study.report(0, 1, 0.5)
    assert stored(tmp_path)[0].intermediate_values == {1: 0.5}


@pytest.mark.parametrize("objective", ["validation_accuracy", "validation_loss"])
def test_the_best_is_best_in_the_objective(objective: str, tmp_path: Path) -> None:
    study = opened(tmp_path, searching(objective=objective))
    for value in (0.5, 0.9, 0.1):
        study.tell(asked(study).number, "complete", value)
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    best = optuna.load_study(study_name="study", storage=url).best_value
    assert best == {"validation_accuracy": 0.9, "validation_loss": 0.1}[objective]


# --- a driver that died


def test_trials_that_were_running_are_taken_up_as_they_were(tmp_path: Path) -> None:
    config = searching("tpe")
    study = opened(tmp_path, config)
    for _ in range(9):
        trial(study, asked(study))
    running = [asked(study), asked(study, INSIDE | {"model.units": 2000}), asked(study)]
    study.report(running[0].number, 1, 0.5)

    again = opened(tmp_path, config)
    assert again.resume() == running
    assert again.next_number == 12
    for suggestion in running:
        again.tell(suggestion.number, "complete", 0.5)
    assert opened(tmp_path, config).resume() == []
    assert {one.state.name for one in stored(tmp_path)} == {"COMPLETE"}


# --- pruning


def would_be_pruned(study: Study, number: int, epoch: int, accuracy: float) -> bool:
    study.report(number, epoch, accuracy)
    return study.should_prune(number, epoch)


def epochs_survived(study: Study, accuracy: float) -> int:
    number = asked(study).number
    for epoch in range(1, EPOCHS + 1):
        if would_be_pruned(study, number, epoch, accuracy) and epoch < EPOCHS:
            study.tell(number, "pruned")
            return epoch
    study.tell(number, "complete", accuracy)
    return EPOCHS


@pytest.mark.parametrize("pruner", ["hyperband", "successive_halving", "median"])
def test_a_bad_trial_is_pruned_and_the_best_never(pruner: str, tmp_path: Path) -> None:
    study = opened(tmp_path, searching(pruner=pruner))
    rising = [epochs_survived(study, 0.5 + number / 100) for number in range(12)]
    assert rising == [EPOCHS] * 12, "each was the best so far"
    bad = [epochs_survived(study, 0.1) for _ in range(9)]
    # A third goes on from epoch 1 to 3, and from there to 9; the median watches every epoch.
    rungs = {"hyperband": {1, 3, 9}, "successive_halving": {1}, "median": {1}}
    assert set(bad) <= rungs[pruner]
    assert min(bad) < 3


@pytest.mark.parametrize("reopens", [False, True])
def test_a_trial_that_went_on_is_not_pruned_for_an_epoch_reported_again(
    reopens: bool, tmp_path: Path
) -> None:
    config = searching(pruner="successive_halving")
    study = opened(tmp_path, config)
    number = asked(study).number
    for epoch in (1, 2):
        assert not would_be_pruned(study, number, epoch, 0.5)
    assert [epochs_survived(study, 0.6 + better / 100) for better in range(5)] == [EPOCHS] * 5
    if reopens:
        study = opened(tmp_path, config)
        study.resume()
    assert not would_be_pruned(study, number, 1, 0.5), "its worker died, and it began again"
    assert not would_be_pruned(study, number, 2, 0.5)
    assert would_be_pruned(study, number, 3, 0.5)


def test_no_pruner_prunes_nothing(tmp_path: Path) -> None:
    study = opened(tmp_path, searching(pruner="none"))
    assert {epochs_survived(study, accuracy) for accuracy in (0.9, 0.9, 0.1)} == {EPOCHS}


def test_hyperband_prunes_a_loss_that_is_high(tmp_path: Path) -> None:
    study = opened(tmp_path, searching(pruner="successive_halving", objective="validation_loss"))
    for number in range(6):
        assert epochs_survived(study, 0.5 - number / 100) == EPOCHS
    assert epochs_survived(study, 2.0) == 1
