"""The page of a sensitivity analysis as one self-contained HTML file without scripts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mnist_seq.config.settings import Scalar
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.measured_interaction import Interaction
from mnist_seq.report.analysis.predictions import Prediction, holds, verdict
from mnist_seq.report.analysis.sensitivity import Measurements, ResponseCurve
from mnist_seq.report.analysis.sensitivity_findings import curve_finding, interaction_finding
from mnist_seq.report.figures.sensitivity import draw_interactions, draw_responses
from mnist_seq.report.pages.frame import fill


@dataclass(frozen=True)
class Analysis:
    """All that a sensitivity analysis has measured.

    Attributes
    ----------
    name : str
        The study and the chosen run.
    chosen : mapping
        Settings of the chosen config.
    curves : sequence of ResponseCurve
        The largest effect first.
    predictions : mapping of str to Prediction
        What the study had said, by hyperparameter; empty where another trial was varied than its
        best.
    command : str
        What makes the page again.
    facts : mapping
        What else is needed to do it again.
    """

    name: str
    chosen: Mapping[str, Scalar]
    measured: Measurements
    curves: Sequence[ResponseCurve]
    predictions: Mapping[str, Prediction]
    interactions: Sequence[Interaction]
    command: str
    facts: Mapping[str, str]

    @property
    def findings(self) -> list[str]:
        """A sentence for each hyperparameter, each pair, and each effect that was predicted."""
        return [
            *(curve_finding(self.measured, curve) for curve in self.curves),
            *map(interaction_finding, self.interactions),
            *self._verdicts(),
        ]

    def _verdicts(self) -> Iterator[str]:
        """What was predicted as more than chance, one by one, and how much of all was right."""
        known = [(c, self.predictions[c.path]) for c in self.curves if c.path in self.predictions]
        maximised = self.measured.maximised
        for curve, predicted in known:
            if predicted.is_significant:
                yield verdict(curve, predicted, maximised=maximised)
        if len(known) > 1:
            right = sum(holds(*each, maximised=maximised) for each in known)
            yield (
                f"Of the {len(known)} intervals in the search's report, {right} "
                f"{wording.agreeing(right, 'holds', 'hold')} what was measured."
            )

    @property
    def rows(self) -> list[dict[str, str]]:
        """The table of effects: cells by their heading, a row for each hyperparameter."""
        return [_cells(self.measured, curve) for curve in self.curves]


def render_sensitivity(analysis: Analysis) -> str:
    """The page as the text of one HTML file."""
    measured = analysis.measured
    mean = float(np.nanmean(measured.values_NR[0]))
    error = measured.standard_error(mean, int(measured.counts[0]))
    reached = wording.value(measured.objective, mean)
    spread = f"{100 * error:.2f}" if measured.maximised else f"{error:.4f}"
    settings = ", ".join(f"{p}={wording.setting(v)}" for p, v in analysis.chosen.items())
    seeds = wording.many(measured.seeds, "seed")
    page = fill(
        "sensitivity.html",
        title=f"{analysis.name}: sensitivity",
        name=analysis.name,
        lede=f"With {settings} the {measured.objective.replace('_', ' ')} is {reached} ± {spread}, "
        f"mean and standard error of {seeds}.",
        about=f"Each config was trained with {seeds} that the search had not used. ± is one "
        f"standard error. Validation images only: {measured.validation_images:,}.",
        findings=analysis.findings,
        responses=draw_responses(measured, analysis.curves, analysis.predictions),
        predicted=bool(analysis.predictions),
        grids=draw_interactions(measured, analysis.interactions),
        rows=analysis.rows,
        command=analysis.command,
        facts=analysis.facts,
    )
    return str(page)


def _cells(measured: Measurements, curve: ResponseCurve) -> dict[str, str]:
    scale, digits = (100, 2) if measured.maximised else (1, 4)
    effect, error = (f"{scale * part:.{digits}f}" for part in curve.effect)
    return {
        "": curve.path.rpartition(".")[2],
        "chosen": _reached(measured, curve, curve.chosen),
        "best": _reached(measured, curve, curve.best),
        "worst": _reached(measured, curve, curve.worst),
        "effect": f"{effect} ± {error}",
        "luck?": "no" if curve.is_significant else "maybe",
    }


def _reached(measured: Measurements, curve: ResponseCurve, place: int) -> str:
    value = wording.value(measured.objective, float(curve.mean_V[place]))
    return f"{wording.setting(curve.values[place])}: {value}"
