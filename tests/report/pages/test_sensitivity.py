"""The page of a sensitivity analysis, and what it says of what the search had predicted."""

import dataclasses

import numpy as np
import pytest

from mnist_seq.report.analysis.effects import effects
from mnist_seq.report.analysis.measured_interaction import interaction
from mnist_seq.report.analysis.predictions import prediction, verdict
from mnist_seq.report.analysis.sensitivity import Measurements, response_curve
from mnist_seq.report.pages.sensitivity import Analysis, render_sensitivity
from tests.report.browser import CHROMIUM, measure
from tests.report.studies import DEFAULT, IMAGES, THREE, study, wide_is_better

UNITS = [16, 32, 64, 128]
READOUTS = ["attention", "each_step", "a_very_long_name_of_a_readout", "max"]


def analysis(factor: float = 1.0) -> Analysis:
    """Around the best of a planted study; with a factor on the effect of units."""
    tables = study(20, wide_is_better, space=DEFAULT)
    assert tables.best is not None
    units = [wide_is_better({**tables.best.settings, "model.units": each}) for each in UNITS]
    errors_N = [1 - units[3], *(factor * (units[3] - each) + 1 - units[3] for each in units[:3])]
    errors_N += [0.02, 0.021, 0.019]
    noise_NR = np.random.default_rng(0).normal(0, 0.05, (7, 2))
    values_NR = 1 - np.array(errors_N)[:, None] * np.exp(noise_NR)
    measured = Measurements("validation_accuracy", IMAGES, values_NR)
    curves = [
        response_curve(measured, "model.units", [(16, 1), (32, 2), (64, 3), (128, 0)]),
        response_curve(measured, "model.readout", list(zip(READOUTS, [0, 4, 5, 6], strict=True))),
    ]
    pair = ("model.units", "training.a_setting_with_a_rather_long_name_that_goes_on")
    grid = interaction(measured, pair, [16, 128], [1e-4, 3.25e-3], [[1, 2], [None, 4]])
    units_predicted = prediction(tables, curves[0])
    assert units_predicted is not None
    return Analysis(
        "study <b>, trial 7",
        {"model.units": 128, "model.readout": "attention"},
        measured,
        curves,
        {"model.units": units_predicted},
        [grid],
        "python -m experiments.sensitivity",
        {"python": "3.11"},
    )


def test_the_prediction_at_the_compared_values_is_what_the_report_says() -> None:
    tables = study(20, wide_is_better, space=DEFAULT)
    effect = effects(tables)["model.units"]
    found = analysis().predictions["model.units"]
    assert found.response.error == pytest.approx(effect.at_best.error[effect.compared])
    low, _, high = effect.at_best.fall(effect.worst, effect.better)
    assert found.interval == pytest.approx((low, high))
    assert found.is_significant


def test_a_measured_effect_is_as_predicted_or_it_is_said() -> None:
    held, wrong = analysis(), analysis(factor=4.0)
    for each, said in ((held, ", as predicted."), (wrong, ", which is outside.")):
        text = verdict(each.curves[0], each.predictions["model.units"], maximised=True)
        assert text.endswith(said)
        assert text in each.findings
    fall = 100 * float(held.curves[0].mean_V[3] - held.curves[0].mean_V[0])
    error = 100 * held.curves[0].difference(0, 3)[1]
    assert f"measured: {fall:.2f} (± {error:.2f})" in held.findings[-1]


def test_what_the_seeds_may_have_moved_out_of_the_interval_is_said_to_be_luck() -> None:
    held = analysis()
    predicted, curve = held.predictions["model.units"], held.curves[0]
    low, _ = predicted.interval
    for away, said in ((0.1, "by no more than luck."), (10.0, ", which is outside.")):
        error = curve.difference(0, 3)[1]
        mean_V = curve.mean_V.copy()
        mean_V[0] = mean_V[3] - (low - away * error)
        moved = dataclasses.replace(curve, mean_V=mean_V)
        assert verdict(moved, predicted, maximised=True).endswith(said)


def test_of_several_predictions_it_is_said_how_many_hold() -> None:
    tables = study(20, wide_is_better, space=DEFAULT)
    values_NR = np.array([[0.99, 0.991], [0.97, 0.972], [0.2, 0.21], [0.99, 0.991]])
    measured = Measurements("validation_accuracy", IMAGES, values_NR)
    curves = []
    for row, path in enumerate(("model.units", "training.learning_rate", "training.batch_size"), 1):
        effect = effects(tables)[path]
        worse, better = (
            effect.hyperparameter.value(float(effect.positions[k]))
            for k in (effect.worst, effect.best)
        )
        curves.append(response_curve(measured, path, [(better, 0), (worse, row)]))
    found = {curve.path: prediction(tables, curve) for curve in curves}
    known = {path: each for path, each in found.items() if each is not None}
    assert len(known) == 3
    told = dataclasses.replace(analysis(), measured=measured, curves=curves, predictions=known)
    assert told.findings[-1] == (
        "Of the 3 intervals in the search's report, 2 hold what was measured."
    )


def test_nothing_is_said_of_a_prediction_whose_values_were_not_both_measured() -> None:
    tables = study(20, wide_is_better, space=DEFAULT)
    values_NR = np.array([[0.98, 0.981], [0.97, 0.972], [0.971, 0.97]])
    measured = Measurements("validation_accuracy", IMAGES, values_NR)
    effect = effects(tables)["model.readout"]
    told = [effect.hyperparameter.value(effect.positions[k]) for k in (effect.worst, effect.better)]
    (other,) = [name for name in effect.hyperparameter.categories if name not in told][:1]
    both = response_curve(measured, "model.readout", [(told[0], 0), (told[1], 1), (other, 2)])
    one = response_curve(measured, "model.readout", [(told[1], 0), (other, 1)])
    near = response_curve(measured, "model.units", [(60, 0), (64, 1)])
    assert prediction(tables, both) is not None
    assert prediction(tables, one) is None
    assert prediction(tables, near) is not None
    far = response_curve(measured, "model.units", [(127, 0), (128, 1)])
    assert prediction(tables, far) is not None


def test_a_baseline_that_differs_in_more_than_the_space_has_no_predictions() -> None:
    best = {"model.units": 128, "training.learning_rate": 1e-3, "training.batch_size": 28}
    tables = study(20, wide_is_better, space=THREE, baseline=best)
    values_NR = np.array([[0.97, 0.972], [0.99, 0.991]])
    measured = Measurements("validation_accuracy", IMAGES, values_NR)
    curve = response_curve(measured, "model.units", [(16, 0), (128, 1)])
    assert tables.best is not None
    assert tables.best.number == 0
    assert prediction(tables, curve) is not None
    path = "training.augmentation.shift"
    shifted = tables.trials.assign(**{path: [0] + 19 * [1]})
    unlike = dataclasses.replace(tables, trials=shifted, unsearched=(path,))
    assert prediction(unlike, curve) is None


def test_pairs_alone_have_a_page_without_curves() -> None:
    whole = analysis()
    page = render_sensitivity(dataclasses.replace(whole, curves=[], predictions={}))
    assert whole.interactions[0].paths[0] in page


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [1400, 400])
def test_the_page_has_every_figure_and_no_text_overlaps(
    width: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    page = render_sensitivity(analysis())
    assert "study &lt;b&gt;" in page
    assert "<script" not in page
    (seen,) = measure([(page, width)], tmp_path_factory.mktemp("page"))
    assert len(seen["figures"]) == 3
    assert (seen["overlaps"], seen["outside"], seen["wide"]) == ([], [], [])
    assert seen["scrolls"] <= 0
