"""What a study had predicted of measured response curves, and whether it was so."""

from dataclasses import dataclass

import numpy as np

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.effects import (
    WITHIN_90_PERCENT,
    Response,
    effects,
    response_at,
)
from mnist_seq.report.analysis.sensitivity import ResponseCurve
from mnist_seq.report.analysis.study_model import comparable
from mnist_seq.report.analysis.tables import StudyTables


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a study's model says of the values of a measured curve.

    Attributes
    ----------
    response : Response
        Predicted errors, one for each of the curve's values.
    worse, better : int
        Places of the two values that the study's report compares; of the measured ones the nearest.
    is_significant : bool
        Whether the report says that they differ.
    """

    response: Response
    worse: int
    better: int
    is_significant: bool

    @property
    def interval(self) -> tuple[float, float]:
        """90 % interval of how much lower the error is at the better value."""
        low, _, high = self.response.fall(self.worse, self.better)
        return low, high


def prediction(tables: StudyTables, curve: ResponseCurve) -> Prediction | None:
    """What a study says of a curve around its best trial; None where it says nothing of it.

    Nothing where the best trial is a baseline whose other settings differ from all others', where a
    single measured value is the nearest to both that the report compares, or where
    one of these is a name that was not measured.
    """
    effect, best = effects(tables).get(curve.path), tables.best
    if effect is None or best is None or best.number not in set(comparable(tables)["number"]):
        return None
    positions = np.array([effect.hyperparameter.position(value) for value in curve.values])
    if not np.isfinite(positions).all():
        return None
    told = effect.better if effect.is_significant else effect.best
    compared = [effect.positions[k] for k in (effect.worst, told)]
    worse, better = (int(np.abs(positions - position).argmin()) for position in compared)
    is_named = not effect.hyperparameter.ordered
    if worse == better or (is_named and not set(compared) <= set(positions)):
        return None
    return Prediction(
        response_at(tables, curve.path, positions), worse, better, effect.is_significant
    )


def holds(curve: ResponseCurve, predicted: Prediction, *, maximised: bool) -> bool:
    """Whether the measured difference lies within the interval that the report gives."""
    low, high = predicted.interval
    return low <= _fall(curve, predicted, maximised=maximised) <= high


def verdict(curve: ResponseCurve, predicted: Prediction, *, maximised: bool) -> str:
    """Sentence: whether a difference given in the report lies within its interval."""
    low, high = predicted.interval
    fall = _fall(curve, predicted, maximised=maximised)
    _, error = curve.difference(predicted.worse, predicted.better)
    values = [wording.setting(curve.values[k]) for k in (predicted.worse, predicted.better)]
    scale, digits, unit = (100, 2, " points") if maximised else (1, 4, " of loss")
    numbers = [
        f"{scale * x:.{digits}f}".replace("-", wording.MINUS) for x in (low, high, fall, error)
    ]
    was = "which is outside"
    if holds(curve, predicted, maximised=maximised):
        was = "as predicted"
    elif max(low - fall, fall - high) <= WITHIN_90_PERCENT * error:
        was = "which is outside by no more than luck"
    return (
        f"{curve.path}, {values[0]} to {values[1]}: the search predicted a gain of {numbers[0]} to "
        f"{numbers[1]}{unit}; measured: {numbers[2]} (± {numbers[3]}), {was}."
    )


def _fall(curve: ResponseCurve, predicted: Prediction, *, maximised: bool) -> float:
    """How much lower the measured error is at the better value."""
    apart = float(curve.mean_V[predicted.worse] - curve.mean_V[predicted.better])
    return -apart if maximised else apart
