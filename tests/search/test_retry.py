"""Failed trials that are tried again; Optuna and its database are real."""

from pathlib import Path

import pytest

from mnist_seq.search.study import Suggestion
from tests.search.landscapes import INSIDE, asked, opened, searching, trial

FAULTS = [
    "ModuleNotFoundError: No module named 'jax'",
    "OSError: [Errno 28] No space left on device: '/tmp/tmpab12/model.keras'",
    "PermissionError: [Errno 13] Permission denied: '/tmp'",
    "ImportError: libcudart.so.12: cannot open shared object file: No such file or directory",
    "worker died: the worker at tcp://10.0.0.7:40001 died, as in 2 attempts before",
]
FAILURES = [
    "not finite: the loss is not finite after epoch 2 (train nan, validation nan)",
    "refused config: training.batch_size: must be at most 200 (got 256)",
    "out of memory: the process used 3.1 GiB of its share of the machine",
    "hang: no epoch within 1800 s, as in 2 attempts before",
]


def failed(folder: Path, reasons: list[str | None]) -> list[Suggestion]:
    """A study whose trials failed for these reasons, or succeeded where there is none."""
    study = opened(folder, searching("tpe"))
    suggestions: list[Suggestion] = []
    for reason in reasons:
        suggestion = asked(study, INSIDE if not suggestions else None)
        suggestions.append(suggestion)
        if reason is None:
            trial(study, suggestion)
        else:
            study.report(suggestion.number, 1, 0.1)
            study.tell(suggestion.number, "failed", reason=reason, records=[{"epoch": 1}])
    return suggestions


@pytest.mark.parametrize("reason", FAULTS)
def test_a_trial_that_a_fault_ended_is_tried_again_as_it_was(reason: str, tmp_path: Path) -> None:
    before = failed(tmp_path, [None, reason, None, reason])
    study = opened(tmp_path, searching("tpe"))
    assert study.retried == [1, 3]
    assert study.resume() == [before[1], before[3]]
    assert [done.number for done in study.finished()] == [0, 2]
    study.report(1, 1, 0.7)
    study.tell(1, "complete", 0.7)
    again = opened(tmp_path, searching("tpe"))
    assert again.retried == []
    assert again.resume() == [before[3]]
    assert [(done.number, done.reason) for done in again.finished()] == [
        (0, None), (1, None), (2, None),
    ]  # fmt: skip


@pytest.mark.parametrize("reason", FAILURES)
def test_a_trial_that_failed_of_itself_is_tried_again_only_if_asked(
    reason: str, tmp_path: Path
) -> None:
    before = failed(tmp_path, [None, reason])
    assert opened(tmp_path, searching("tpe")).retried == []
    every = searching("tpe").model_copy(update={"retry_failed": True})
    study = opened(tmp_path, every)
    assert study.name == "study"
    assert study.retried == [1]
    assert study.resume() == [before[1]]


def test_what_is_asked_for_next_does_not_depend_on_how_often_it_was_opened(tmp_path: Path) -> None:
    next_ones = []
    for times in (1, 3):
        folder = tmp_path / str(times)
        folder.mkdir()
        failed(folder, [None, FAULTS[0], None, None])
        for _ in range(times):
            study = opened(folder, searching("tpe"))
        study.resume()
        next_ones.append(asked(study))
    assert next_ones[0] == next_ones[1]
    assert next_ones[0].number == 4


def test_a_first_trial_outside_the_space_keeps_its_values(tmp_path: Path) -> None:
    config = searching("random")
    study, outside = opened(tmp_path, config), {**INSIDE, "model.units": 500}
    asked(study, outside)
    study.tell(0, "failed", reason=FAULTS[1])
    again = opened(tmp_path, config)
    assert again.resume() == [Suggestion(0, outside)]


def test_brackets_stay_what_they_were(tmp_path: Path) -> None:
    config = searching("random", pruner="hyperband")
    study = opened(tmp_path, config)
    for number in range(12):
        asked(study)
        study.report(number, 1, number / 100)  # each better than the one before
        if number == 5:
            study.tell(number, "failed", reason=FAULTS[0])
    before = [study.should_prune(number, 1) for number in range(12) if number != 5]
    again = opened(tmp_path, config)
    again.resume()
    assert [again.should_prune(number, 1) for number in range(12) if number != 5] == before
    assert len(set(before)) == 2
