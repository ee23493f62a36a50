"""Searches with several aims, on a landscape whose front is known: nothing is trained."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import Config
from mnist_seq.errors import ConfigError
from mnist_seq.records import EpochRecord, FinalState, TrialOutcome
from mnist_seq.search.expected_improvement import gained_volume
from mnist_seq.search.trials import StudyTrials
from tests.examples import sweep_config
from tests.search.landscapes import opened, searching, stored

UNITS = [128, 64, 32, 16, 8, 4]  # in this order: small networks come after better ones
RATES = [0.001, 0.01, 0.1]
RANGES = {
    "model.units": {"low": 4, "high": 128, "log": True},
    "training.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
}
EPOCHS = 9


def accuracy(config: Config, epoch: int) -> float:
    """Planted: it rises with the width up to 32 units, one rate is best, no curves cross."""
    units, rate = config.model.units, config.training.learning_rate
    width = math.log2(units) - 2 * max(0.0, math.log2(units / 32))
    best = 0.5 + width / 20 - abs(math.log10(rate) + 2) / 10
    return best * (1 - 0.5 / epoch)


FRONT = [(4, 0.01), (8, 0.01), (16, 0.01), (32, 0.01)]  # by the law above


def several(
    sampler: str = "grid", costs: tuple[str, ...] = ("parameters",), **changes: object
) -> SweepConfig:
    space = {
        "model.units": {"choices": UNITS},
        "training.learning_rate": {"choices": RATES},
    }
    config = searching(
        sampler,
        **{"space": space, "baselines": [], "trials": 100, "pruner": "hyperband"} | changes,
        objective=["validation_accuracy", *costs],
    ).model_dump()
    config["training"]["epochs"] = EPOCHS
    return SweepConfig.model_validate(config)


def record(config: Config, epoch: int) -> EpochRecord:
    seconds = config.model.units / 100
    return EpochRecord(epoch, 1.0, 0.5, 1.0, accuracy(config, epoch), 0.001, seconds, 1.0)


def gone_on(folder: Path, config: SweepConfig, most: int) -> None:
    """Run the next trials as the driver does, one after the other."""
    trials = StudyTrials(opened(folder, config), config)
    for _ in range(most):
        trial = trials.next()
        if trial is None:
            return
        records: tuple[EpochRecord, ...] = ()
        for epoch in range(1, EPOCHS + 1):
            records += (record(trial.config, epoch),)
            trials.report(trial, records[-1], epoch)
            if epoch < EPOCHS and trials.should_prune(trial, epoch):
                break
        state: FinalState = "complete" if len(records) == EPOCHS else "pruned"
        trials.finish(trial, TrialOutcome(state, records, records[-1]))


def front(folder: Path) -> list[tuple[int, float]]:
    """The settings of the front, as Optuna itself finds it in its database."""
    url = f"sqlite:///{folder / 'optuna.db'}"
    best = optuna.load_study(study_name="study", storage=url).best_trials
    chosen = {(t.params["model.units"], t.params["training.learning_rate"]) for t in best}
    return sorted(chosen)


def costs_no_more(one: FrozenTrial, other: FrozenTrial) -> bool:
    return all(
        a <= b for a, b in zip(one.user_attrs["costs"], other.user_attrs["costs"], strict=True)
    )


def test_the_known_front_is_found_with_pruning(tmp_path: Path) -> None:
    config = several("grid", ("seconds", "parameters"), pruner="successive_halving")
    gone_on(tmp_path, config, 100)
    assert front(tmp_path) == FRONT
    trials = stored(tmp_path)
    assert len(trials) == len(UNITS) * len(RATES)
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    assert len(pruned) >= 6
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    for trial in pruned:  # each is dominated, as far as it came
        assert any(
            costs_no_more(other, trial)
            and other.intermediate_values[trial.last_step or 0]
            > trial.intermediate_values[trial.last_step or 0]
            for other in complete
        )


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_a_study_that_is_opened_again_suggests_and_prunes_the_same(
    sampler: str, tmp_path: Path
) -> None:
    halving = {"space": RANGES, "pruner": "successive_halving"}
    config, found = several(sampler, ("seconds", "parameters"), **halving), []
    for name, steps in (("once", [20]), ("often", [5, 1, 1, 10, 1, 1, 1])):
        folder = tmp_path / name
        folder.mkdir()
        for step in steps:
            gone_on(folder, config, step)
        found.append([(t.params, t.state, t.values, t.intermediate_values) for t in stored(folder)])
    assert found[0] == found[1]
    assert {state for _, state, *_ in found[0]} == {TrialState.COMPLETE, TrialState.PRUNED}


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_a_sampler_finds_the_front_among_many_more_points(sampler: str, tmp_path: Path) -> None:
    gone_on(tmp_path, several(sampler, space=RANGES), 30)
    widths = [units for units, rate in front(tmp_path) if 0.003 < rate < 0.03]
    assert len(widths) >= 4
    assert max(widths) < 64 < 128  # wider networks are worse and costlier


def test_an_epochs_cost_is_the_first_that_was_measured(tmp_path: Path) -> None:
    config = several("random", ("seconds",))
    trials = StudyTrials(opened(tmp_path, config), config)
    trial = trials.next()
    assert trial is not None
    first = record(trial.config, 1)
    trials.report(trial, first, 1)
    again = StudyTrials(opened(tmp_path, config), config)  # its driver was killed
    assert again.next() == trial
    again.report(trial, replace(first, seconds=99.0), 1)
    again.report(trial, record(trial.config, 2), 2)
    again.finish(trial, TrialOutcome("complete", (first, record(trial.config, 2)), first))
    (ended,) = stored(tmp_path)
    assert ended.values == [first.validation_accuracy, first.seconds]


@pytest.mark.parametrize("columns", [1, 2])
def test_the_gained_volume_is_that_of_sampled_results(columns: int) -> None:
    rng = np.random.default_rng(0)
    front_costs = np.array([[0.2, 0.7], [0.5, 0.3], [0.8, 0.8]])[:, :columns]
    front_results = np.array([0.6, 0.5, 0.2])
    costs = np.array([[0.1, 0.1], [0.4, 0.5], [0.9, 0.2]])[:, :columns]
    mean, deviation, most, worst = (
        np.array([0.5, 0.45, 0.1]),
        np.array([0.2, 0.1, 0.3]),
        np.ones(columns),
        1.0,
    )
    gained = gained_volume(mean, deviation, costs, front_costs, front_results, most, worst)

    places = rng.uniform(0, 1, (200_000, columns))  # of costs; from 0 to the worst in both
    best = np.full(len(places), worst)
    for own, result in zip(front_costs, front_results, strict=True):
        best = np.where(np.all(places >= own, axis=1), np.minimum(best, result), best)
    for number in range(len(costs)):
        drawn = rng.normal(mean[number], deviation[number], len(places))
        is_reached = np.all(places >= costs[number], axis=1)
        volume = np.mean(np.where(is_reached, np.maximum(best - drawn, 0), 0))
        assert gained[number] == pytest.approx(volume, rel=0.03)


@pytest.mark.parametrize(
    "aims",
    [
        "[validation_accuracy]",
        "[parameters,validation_accuracy]",
        "[validation_accuracy,validation_loss]",
        "[validation_accuracy,parameters,parameters]",
        "parameters",
    ],
)
def test_other_aims_are_refused_in_one_line(aims: str) -> None:
    with pytest.raises(ConfigError) as refused:
        sweep_config("data=digits", f"search.objective={aims}")
    (line,) = str(refused.value).splitlines()
    assert line.startswith(
        "search.objective: must be validation_accuracy or validation_loss, or a "
    )
    assert line.endswith(f"(got {aims.replace(',', ', ')})")


def test_a_search_with_several_aims_does_not_end_by_itself() -> None:
    with pytest.raises(
        ConfigError, match=r"search.trials=auto needs search.objective=valid.*noise"
    ):
        sweep_config("search.objective=[validation_accuracy,seconds]", "search.trials=auto")
