"""Figures of the objective against each hyperparameter, one point a trial."""

from markupsafe import Markup

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.hyperparameters import Hyperparameter, hyperparameters
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.axes import (
    baseline_rule,
    hyperparameter_axis,
    jitter,
    scatter,
    value_axis,
)
from mnist_seq.report.figures.scales import ValueScale
from mnist_seq.report.figures.style import Panel, canvas, svg


def draw_slices(tables: StudyTables) -> list[Panel]:
    """A figure for each hyperparameter: the objective over its values, one point a trial."""
    if tables.scored.empty:
        return [Panel("", None, "No trial reached a value, so no hyperparameter can be judged.")]
    return [
        Panel(h.path, _slice(tables, h, index) if h.distinct > 1 else None, _note(h))
        for index, h in enumerate(hyperparameters(tables))
    ]


def _slice(tables: StudyTables, hyperparameter: Hyperparameter, index: int) -> Markup:
    y = ValueScale(tables).position(tables.scored["value"].to_numpy())
    with canvas(230) as (figure, axes):
        baseline_rule(axes, tables)
        scatter(axes, tables, jitter(hyperparameter, 0.36), y)
        value_axis(axes, tables, y[hyperparameter.active])
        hyperparameter_axis(axes, hyperparameter)
        return svg(figure, f"slice-{index}", tables)


def _note(hyperparameter: Hyperparameter) -> str:
    """The reason why there is no figure, or the condition for the hyperparameter to be active."""
    if hyperparameter.distinct == 0:
        return "No trial with a value used it, so nothing can be said about it."
    if hyperparameter.distinct == 1:
        return "All trials with a value had the same setting, so there is nothing to compare."
    conditions = [f"{p}={wording.setting(v)}" for p, v in hyperparameter.dimension.when.items()]
    return f"Only trials with {wording.listing(conditions)}." if conditions else ""
