"""Planted effects are told with their size; what has none is not said to have one."""

import dataclasses
import math

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from mnist_seq.config.search import Choices
from mnist_seq.report.analysis.effects import Effect, Response, effects
from tests.report.studies import (
    DEFAULT,
    UNITS,
    Curve,
    Law,
    Settings,
    Space,
    fading,
    falling,
    noise,
    rate_has_an_optimum,
    study,
    wide_is_better,
)


def half_pruned(number: int) -> str:
    return "complete" if number % 2 == 0 else "pruned"


def planted(
    law: Law, seed: int, curve: Curve = falling, trials: int = 20
) -> tuple[dict[str, Effect], Settings]:
    tables = study(trials, law, space=DEFAULT, states=half_pruned, seed=seed, curve=curve)
    assert tables.best is not None
    return effects(tables), tables.best.settings


def true_fall(law: Law, effect: Effect, best: Settings) -> float:
    h = effect.hyperparameter
    worse, better = (
        1 - law({**best, h.path: h.value(float(effect.positions[k]))})
        for k in (effect.worst, effect.best)
    )
    return worse - better


def told_and_covered(law: Law, path: str, seeds: range, curve: Curve = falling) -> tuple[int, int]:
    told = covered = 0
    for seed in seeds:
        found, best = planted(law, seed, curve)
        effect = found[path]
        if effect.is_significant:
            low, _, high = effect.at_best.fall(effect.worst, effect.best)
            told += 1
            covered += low <= true_fall(law, effect, best) <= high
    return told, covered


@pytest.mark.slow
def test_an_effect_is_told_with_its_size() -> None:
    told, covered = told_and_covered(wide_is_better, "model.units", range(6))
    assert told == 6
    assert covered >= 5


@pytest.mark.slow
@pytest.mark.parametrize("curve", [falling, fading])
@pytest.mark.parametrize(
    ("law", "path", "least_told"),
    [
        (wide_is_better, "model.units", 36),
        (rate_has_an_optimum, "training.learning_rate", 10),
    ],
)
def test_its_size_is_inside_the_band_nine_times_of_ten(
    law: Law, path: str, least_told: int, curve: Curve
) -> None:
    told, covered = told_and_covered(law, path, range(40), curve)
    assert told >= least_told
    assert covered >= 0.9 * told


@pytest.mark.slow
@pytest.mark.parametrize("law", [wide_is_better, rate_has_an_optimum])
def test_what_is_not_told_is_bounded_nine_times_of_ten(law: Law) -> None:
    covered = []
    for seed in range(20):
        found, best = planted(law, seed)
        for effect in found.values():
            if not effect.is_significant:
                low, _, high = effect.at_best.fall(effect.worst, effect.best)
                covered.append(low <= true_fall(law, effect, best) <= high)
    assert len(covered) >= 40
    assert sum(covered) >= 0.9 * len(covered)


@pytest.mark.slow
def test_what_has_no_effect_is_hardly_ever_said_to_have_one() -> None:
    found = [effect for seed in range(40) for effect in planted(noise, seed)[0].values()]
    assert sum(effect.is_significant for effect in found) <= 0.02 * len(found)


def test_effects_are_the_same_to_the_last_bit_on_any_number_of_cores() -> None:
    found = []
    for cores in (1, 2):
        with threadpool_limits(cores):
            found.append(planted(wide_is_better, 0)[0]["model.units"].at_best)
    one, two = found
    assert np.array_equal(one.log_error, two.log_error)
    assert np.array_equal(one.covariance, two.covariance)


def test_the_band_is_in_terms_of_the_error() -> None:
    found, _ = planted(wide_is_better, 0)
    response = found["model.units"].at_best
    low, high = response.band
    assert np.all(low < response.error)
    assert np.all(response.error < high)
    assert response.error == pytest.approx([math.exp(e) for e in response.log_error])


def test_an_error_is_no_more_than_all_images_and_a_loss_may_be_any() -> None:
    unsure, log_error = np.eye(2), np.log([0.7, 0.1])
    share, loss = Response(log_error, unsure, 1.0), Response(log_error, unsure)
    assert share.band[1].tolist() == [1, pytest.approx(0.1 * math.exp(1.645))]
    assert share.fall(0, 1)[2] < 1 < loss.fall(0, 1)[2]
    assert loss.band[1][0] == pytest.approx(0.7 * math.exp(1.645))


def test_a_change_that_needs_another_brings_it() -> None:
    """A readout is compared under return_sequences, whatever the best trial has."""
    for seed in range(4):
        found, best = planted(wide_is_better, seed)
        assert len(found["model.readout"].at_best.error) == 5
        if not best["model.return_sequences"]:
            break
    else:
        pytest.fail("none of these studies has a best trial without return_sequences")


def test_a_choice_of_nothing_is_a_value_like_any_other() -> None:
    space: Space = {
        "training.clip_norm": Choices(choices=[None, 0.5]),
        "model.units": UNITS,
    }

    def unclipped(settings: Settings) -> float:
        return 0.99 if settings["training.clip_norm"] is None else 0.95

    tables = study(20, unclipped, space=space)
    clip = effects(tables)["training.clip_norm"]
    without, with_it = clip.at_best.error
    assert (without, with_it) == pytest.approx((0.01, 0.05), rel=0.2)
    width = effects(tables)["model.units"].at_best.error  # of networks like the best: unclipped
    assert width == pytest.approx(np.full(len(width), 0.01), rel=0.3)


def test_a_flawless_trial_counts_as_half_an_image_wrong() -> None:
    def flawless_if_wide(settings: Settings) -> float:
        return 1.0 if float(settings["model.units"] or 0) > 40 else 0.97

    many = study(20, flawless_if_wide, space={"model.units": UNITS}, binomial=False)
    few = dataclasses.replace(many, validation_images=100)
    error = effects(few)["model.units"].at_best.error
    assert error[[0, -1]] == pytest.approx([0.03, 0.005], rel=0.15)
