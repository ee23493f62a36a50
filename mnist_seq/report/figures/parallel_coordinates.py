"""Parallel-coordinates figure: one line per trial across its settings and its value.

The axes lie one below the other, so that names and ticks stay readable on a phone.
"""

from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.hyperparameters import Hyperparameter, hyperparameters
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.axes import jitter
from mnist_seq.report.figures.scales import Ticks, ValueScale, hyperparameter_ticks, thinned
from mnist_seq.report.figures.style import BEST, INK, MANY, MUTED, TRIAL, Panel, canvas, svg

TOP_SHARE, MOST_TOP = 0.1, 12
LETTERS, SHORTEST = 54, 6  # that an axis has room for, and that a shortened tick needs
Lane = tuple[NDArray[np.float64], Ticks]  # where each trial crosses an axis, and its ticks
OFF = -0.09  # where a line passes an axis that is not active in its trial


def draw_parallel_coordinates(tables: StudyTables) -> Panel:
    """Draw hyperparameters and objective as parallel axes, one line per trial."""
    title = "Parallel coordinates"
    trials = tables.scored
    searched = [h for h in hyperparameters(tables) if h.distinct > 0]
    if len(trials) < 2:
        return Panel(title, None, "Lines through the settings need two trials with a value.")
    if len(searched) < 2:
        return Panel(title, None, "With one hyperparameter, its own plot above says it all.")
    lanes = [_lane(h) for h in searched]
    values = ValueScale(tables).position(trials["value"].to_numpy())
    low, high = float(values.min()), float(values.max())
    span = high - low or 1.0
    positions, labels = ValueScale(tables).ticks(low, high, gap=0.16)
    lanes.append(((values - low) / span, ([(p - low) / span for p in positions], labels)))
    names = [*(h.path for h in searched), tables.objective]
    merit = trials["value"].rank(method="first", ascending=not tables.maximised).to_numpy()
    top = merit <= np.clip(round(TOP_SHARE * len(trials)), 1, MOST_TOP)
    picture = _picture(tables, names, lanes, top)
    tops = wording.many(int(top.sum()), "trial").removeprefix("1 ")
    return Panel(
        title,
        picture,
        f"In colour: the best {tops}. A line that passes at "
        "the far left of an axis does not use that hyperparameter.",
    )


def _lane(hyperparameter: Hyperparameter) -> Lane:
    """One parallel axis scaled to length 1: each trial's position on it, and its ticks."""
    low, high = hyperparameter.frame
    if not hyperparameter.categories:
        margin = (high - low) * 0.04 / 1.08
        low, high = low + margin, high - margin
    x = (jitter(hyperparameter, 0.5) - low) / (high - low)
    positions, labels = hyperparameter_ticks(hyperparameter, gap=0.16)
    places = [(p - low) / (high - low) for p in positions]
    inside = [i for i, place in enumerate(places) if -0.001 <= place <= 1.001]
    chosen = [places[i] for i in inside], [labels[i] for i in inside]
    if hyperparameter.categories:
        wanted = min(max(map(len, labels)), SHORTEST)
        chosen = thinned(chosen, LETTERS // wanted)
        room = LETTERS // len(chosen[1])
        chosen = chosen[0], [wording.shortened(label, room) for label in chosen[1]]
    return np.where(np.isfinite(x), x, OFF), chosen


def _picture(
    tables: StudyTables, names: list[str], lanes: list[Lane], top: NDArray[np.bool_]
) -> Markup:
    from matplotlib.collections import LineCollection

    heights = -np.arange(len(lanes), dtype=float)
    lines = [np.column_stack([x, heights]) for x in zip(*(x for x, _ in lanes), strict=True)]
    with canvas(30 + 62 * len(lanes)) as (figure, axes):
        for chosen, color, width, alpha in (
            (~top, TRIAL, 0.7, max(0.08, min(0.4, 40 / len(top)))),
            (top, BEST, 1.3, 0.85),
        ):
            some = [line for line, is_in in zip(lines, chosen, strict=True) if is_in]
            look: dict[str, Any] = {"colors": color, "linewidths": width, "alpha": alpha}
            axes.add_collection(LineCollection(some, rasterized=len(lines) > MANY, **look))
        box = {"facecolor": "white", "alpha": 0.9, "pad": 0.6, "linewidth": 0}
        for height, name, (_, (places, labels)) in zip(heights, names, lanes, strict=True):
            axes.plot([0, 1], [height, height], color=INK, linewidth=1.0, zorder=4)
            title = wording.shortened(name, 44)
            axes.text(0, height + 0.12, title, weight="bold", va="bottom", zorder=6, bbox=box)
            below = {"va": "top", "size": 9.5, "color": MUTED, "zorder": 6, "bbox": box}
            for place, label in zip(places, labels, strict=True):
                axes.plot([place] * 2, [height, height - 0.05], color=INK, linewidth=0.8, zorder=4)
                side = "right" if place > 0.96 else "center"
                axes.text(place, height - 0.09, label, ha=side, **below)
        axes.set(xlim=(OFF - 0.02, 1.02), ylim=(heights[-1] - 0.35, 0.42))
        axes.set_axis_off()
        return svg(figure, "parallel", tables)
