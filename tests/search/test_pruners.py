"""The pruners beside Optuna's of the same names, on curves drawn by chance."""

import random
from typing import Any

import optuna
import pytest

from mnist_seq.search.pruners import HyperbandPruner, MedianPruner, Pruner
from mnist_seq.search.pruners import build_pruner as build
from tests.search.landscapes import searching

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


def decided_by_optuna(name: str, drawn: list[list[float]], at_once: int) -> list[list[bool]]:
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(study_name="study", direction="maximize", pruner=THEIRS[name])
    return decided(
        drawn,
        at_once,
        lambda _: study.ask(),
        lambda trial, epoch, value: (trial.report(value, epoch), trial.should_prune())[1],
        lambda trial, curve: study.tell(trial, curve[-1]),
        lambda trial: study.tell(trial, state=optuna.trial.TrialState.PRUNED),
    )


def decision(pruner: Pruner, number: int, epoch: int, value: float) -> bool:
    pruner.report(number, epoch, value)
    return pruner.should_prune(number, epoch)


def decided_here(pruner: Pruner, drawn: list[list[float]], at_once: int) -> list[list[bool]]:
    return decided(
        drawn,
        at_once,
        lambda number: number,
        lambda number, epoch, value: decision(pruner, number, epoch, value),
        lambda _, curve: pruner.complete(dict(enumerate(curve, 1))),
        lambda _: None,
    )


def decided(drawn, at_once, begin, decide, complete, prune) -> list[list[bool]]:  # type: ignore[no-untyped-def]
    """What is said to each trial after each epoch, some of them running in turns."""
    decisions: list[list[bool]] = [[] for _ in drawn]
    waiting = list(range(len(drawn)))
    live: dict[int, Any] = {}
    while waiting or live:
        while waiting and len(live) < at_once:
            live[waiting[0]] = begin(waiting[0])
            waiting.pop(0)
        for number, trial in list(live.items()):
            epoch = len(decisions[number]) + 1
            decisions[number].append(decide(trial, epoch, drawn[number][epoch - 1]))
            # Every fifth trial is a baseline: never pruned.
            if epoch == len(drawn[number]):
                complete(live.pop(number), drawn[number])
            elif decisions[number][-1] and number % 5:
                prune(live.pop(number))
    return decisions


@pytest.mark.parametrize("steps", [7, 10_000])
@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("name", THEIRS)
def test_each_pruner_decides_as_optunas_of_its_name(name: str, at_once: int, steps: int) -> None:
    drawn = curves(80, seed=steps + at_once, steps=steps)
    ours = build(searching(pruner=name).search, "study", EPOCHS)
    decisions = decided_here(ours, drawn, at_once)
    assert decisions == decided_by_optuna(name, drawn, at_once)
    assert {decision_ for told in decisions for decision_ in told} == {True, False}


@pytest.mark.parametrize(
    "pruner", [HyperbandPruner("study", EPOCHS), HyperbandPruner("study", 1), MedianPruner()]
)
def test_an_epoch_reported_again_is_decided_as_it_was(pruner: Pruner) -> None:
    drawn = curves(30, seed=0, steps=7)
    decided_here(pruner, drawn[:-1], 1)
    first = [decision(pruner, 29, epoch, value) for epoch, value in enumerate(drawn[-1], 1)]
    again = [decision(pruner, 29, epoch, value) for epoch, value in enumerate(drawn[-1], 1)]
    assert again == first


def test_of_three_that_came_to_a_rung_the_best_goes_on() -> None:
    halving = HyperbandPruner("study", 1)
    assert not decision(halving, 0, 1, 0.5), "the first is the best so far"
    assert decision(halving, 1, 1, 0.4)
    assert not decision(halving, 2, 1, 0.6)
    assert not decision(halving, 2, 2, 0.0), "there is no rung at epoch 2"
    assert not decision(halving, 2, 3, 0.0), "nobody else is there"


def test_a_value_that_is_no_number_is_pruned() -> None:
    assert decision(HyperbandPruner("study", 1), 0, 1, float("nan"))
