"""TPE over a history beside Optuna's own, in studies of many kinds."""

import random
import warnings
from typing import Any, Literal

import optuna
import pytest
from optuna.trial import TrialState

from mnist_seq.samplers import TPE_STARTUP_TRIALS, distributions
from mnist_seq.space import Values, is_active, ordered
from mnist_seq.tpe import History, RememberingTPE
from tests.landscapes import searching

Direction = Literal["maximize", "minimize"]
SPACE = searching().search.space
DISTRIBUTIONS = distributions(SPACE)


def theirs(seed: int, startup: int, _history: History) -> optuna.samplers.BaseSampler:
    return optuna.samplers.TPESampler(
        seed=seed,
        n_startup_trials=startup,
        multivariate=True,
        group=True,
        constant_liar=True,
    )


def ours(seed: int, startup: int, history: History) -> optuna.samplers.BaseSampler:
    return RememberingTPE(history, seed=seed, n_startup_trials=startup)


def suggestions(
    build: Any, direction: Direction, at_once: int, seed: int, startup: int = TPE_STARTUP_TRIALS
) -> list[Values]:
    """A search by chance: trials end in any order, complete, pruned at some epoch or failed."""
    chance, history = random.Random(seed), History()
    study = optuna.create_study(direction=direction, pruner=optuna.pruners.NopPruner())
    running: list[optuna.Trial] = []
    found: list[Values] = []
    for number in range(60):
        study.sampler = build(number, startup, history)
        trial, values = study.ask(), dict[str, Any]()
        if number % 20 != 7:  # a baseline outside the space has no values
            for path in ordered(SPACE):
                if is_active(SPACE[path], values):
                    values[path] = trial._suggest(path, DISTRIBUTIONS[path])
        found.append(values)
        running.append(trial)
        while len(running) >= at_once:
            over = running.pop(chance.randrange(len(running)))
            for epoch in range(1, chance.randint(1, 4)):
                over.report(chance.randrange(5) / 5, epoch)  # many are equal
            state = chance.choice([TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL])
            value = chance.randrange(5) / 5 if state == TrialState.COMPLETE else None
            told = study.tell(over, value, state)
            if state != TrialState.FAIL:
                history.add(told)
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("at_once", [1, 8])
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_tpe_suggests_what_optunas_does(direction: Direction, at_once: int, seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        expected = suggestions(theirs, direction, at_once, seed)
        assert suggestions(ours, direction, at_once, seed) == expected
    assert len({str(values) for values in expected}) > 50


@pytest.mark.parametrize("seed", [9, 11])  # where it comes to that
def test_a_setting_may_be_met_after_later_trials_are_over(seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        expected = suggestions(theirs, "maximize", 8, seed, startup=1)
        assert suggestions(ours, "maximize", 8, seed, startup=1) == expected
