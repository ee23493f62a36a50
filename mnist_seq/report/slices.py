"""The objective against each hyperparameter: one point a trial."""

import numpy as np

from mnist_seq.report import wording
from mnist_seq.report.drawing import (
    Panel,
    baseline_rule,
    canvas,
    hyperparameter_axis,
    scatter,
    svg,
    value_axis,
)
from mnist_seq.report.scales import Hyperparameter, ValueScale, hyperparameters
from mnist_seq.report.tables import StudyTables

NO_VALUES = "No trial reached a value, so no hyperparameter can be judged."


def draw(tables: StudyTables) -> list[Panel]:
    if tables.scored.empty:
        return [Panel("", None, NO_VALUES)]
    return [_slice(tables, h, i) for i, h in enumerate(hyperparameters(tables))]


def _slice(tables: StudyTables, hyperparameter: Hyperparameter, index: int) -> Panel:
    if hyperparameter.distinct < 2:
        return Panel(hyperparameter.path, None, unseen(hyperparameter))
    y = ValueScale(tables).position(tables.scored["value"].to_numpy())
    x = hyperparameter.positions.copy()
    if hyperparameter.categories:
        # Golden-ratio steps spread the trials of one choice evenly, and the same way every time.
        x += 0.36 * ((np.arange(len(x)) * 0.618034) % 1 - 0.5)
    with canvas(230) as (figure, axes):
        baseline_rule(axes, tables)
        scatter(axes, tables, x, y)
        value_axis(axes, tables, y[hyperparameter.active])
        hyperparameter_axis(axes, hyperparameter)
        picture = svg(figure, f"slice-{index}", tables)
    return Panel(hyperparameter.path, picture, when(hyperparameter))


def when(hyperparameter: Hyperparameter) -> str:
    """The condition under which a hyperparameter has a say, as a sentence; or nothing."""
    conditions = [f"{p}={wording.setting(v)}" for p, v in hyperparameter.dimension.when.items()]
    return f"Only trials with {wording.listing(conditions)}." if conditions else ""


def unseen(hyperparameter: Hyperparameter) -> str:
    """Why a hyperparameter with fewer than two values tried has no picture."""
    if hyperparameter.distinct == 0:
        return "No trial with a value used it, so nothing can be said about it."
    return "All trials with a value had the same setting, so there is nothing to compare."
