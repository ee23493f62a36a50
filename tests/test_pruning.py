"""The pruners beside Optuna's of the same names, on curves drawn by chance."""

import random
from typing import Any

import optuna
import pytest

from mnist_seq.pruning import Halving, Median, Pruner
from mnist_seq.pruning import build_pruner as build
from tests.landscapes import searching

EPOCHS = 10
THEIRS: dict[str, optuna.pruners.BasePruner] = {
    "hyperband": optuna.pruners.HyperbandPruner(1, EPOCHS, 3),
    "successive_halving": optuna.pruners.SuccessiveHalvingPruner(1, 3, 0),
    "median": optuna.pruners.MedianPruner(5, 1, 1, n_min_trials=3),
}


def curves(trials: int, seed: int, steps: int) -> list[list[float]]:
    """Best values so far; few different ones, so that many are equal."""
    chance = random.Random(seed)
    found = []
    for _ in range(trials):
        values = [chance.randrange(steps) / steps for _ in range(chance.randint(3, EPOCHS))]
        found.append([max(values[: epoch + 1]) for epoch in range(len(values))])
    return found


def judged_by_optuna(name: str, drawn: list[list[float]], at_once: int) -> list[list[bool]]:
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(study_name="study", direction="maximize", pruner=THEIRS[name])
    return judged(
        drawn,
        at_once,
        lambda _: study.ask(),
        lambda trial, epoch, value: (trial.report(value, epoch), trial.should_prune())[1],
        lambda trial, curve: study.tell(trial, curve[-1]),
        lambda trial: study.tell(trial, state=optuna.trial.TrialState.PRUNED),
    )


def judged_here(pruner: Pruner, drawn: list[list[float]], at_once: int) -> list[list[bool]]:
    return judged(
        drawn,
        at_once,
        lambda number: number,
        pruner.is_hopeless,
        lambda _, curve: pruner.completed(dict(enumerate(curve, 1))),
        lambda _: None,
    )


def judged(drawn, at_once, begin, judge, complete, prune) -> list[list[bool]]:  # type: ignore[no-untyped-def]
    """What is said to each trial after each epoch, some of them running in turns."""
    verdicts: list[list[bool]] = [[] for _ in drawn]
    waiting = list(range(len(drawn)))
    live: dict[int, Any] = {}
    while waiting or live:
        while waiting and len(live) < at_once:
            live[waiting[0]] = begin(waiting[0])
            waiting.pop(0)
        for number, trial in list(live.items()):
            epoch = len(verdicts[number]) + 1
            verdicts[number].append(judge(trial, epoch, drawn[number][epoch - 1]))
            # Every fifth trial is a baseline: never given up.
            if epoch == len(drawn[number]):
                complete(live.pop(number), drawn[number])
            elif verdicts[number][-1] and number % 5:
                prune(live.pop(number))
    return verdicts


@pytest.mark.parametrize("steps", [7, 10_000])
@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("name", THEIRS)
def test_each_pruner_judges_as_optunas_of_its_name(name: str, at_once: int, steps: int) -> None:
    drawn = curves(80, seed=steps + at_once, steps=steps)
    ours = build(searching(pruner=name).search, "study", EPOCHS)
    verdicts = judged_here(ours, drawn, at_once)
    assert verdicts == judged_by_optuna(name, drawn, at_once)
    assert {verdict for told in verdicts for verdict in told} == {True, False}


@pytest.mark.parametrize("pruner", [Halving("study", EPOCHS), Halving("study", 1), Median()])
def test_an_epoch_told_again_is_judged_as_it_was(pruner: Pruner) -> None:
    drawn = curves(30, seed=0, steps=7)
    judged_here(pruner, drawn[:-1], 1)
    first = [pruner.is_hopeless(29, epoch, value) for epoch, value in enumerate(drawn[-1], 1)]
    again = [pruner.is_hopeless(29, epoch, value) for epoch, value in enumerate(drawn[-1], 1)]
    assert again == first


def test_of_three_that_came_to_a_rung_the_best_goes_on() -> None:
    halving = Halving("study", 1)
    assert not halving.is_hopeless(0, 1, 0.5), "the first is the best so far"
    assert halving.is_hopeless(1, 1, 0.4)
    assert not halving.is_hopeless(2, 1, 0.6)
    assert not halving.is_hopeless(2, 2, 0.0), "there is no rung at epoch 2"
    assert not halving.is_hopeless(2, 3, 0.0), "nobody else is there"


def test_a_value_that_is_no_number_is_hopeless() -> None:
    assert Halving("study", 1).is_hopeless(0, 1, float("nan"))
