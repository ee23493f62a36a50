"""Parallel coordinates: each trial is a line through its settings, down to its value.

The axes lie one below the other, so that names and ticks stay readable on a phone.
"""

import numpy as np
from numpy.typing import NDArray

from mnist_seq.report import wording
from mnist_seq.report.drawing import BEST, INK, MANY, MUTED, TRIAL, Panel, canvas, svg
from mnist_seq.report.scales import Hyperparameter, Ticks, ValueScale, hyperparameters, thinned
from mnist_seq.report.tables import StudyTables

TOP_SHARE, MOST_TOP = 0.1, 12
LETTERS, SHORTEST = 54, 6  # that an axis has room for, and that a shortened tick needs
OFF = -0.09  # where a line passes an axis that has no say in its trial


def draw(tables: StudyTables) -> list[Panel]:
    title = "Parallel coordinates"
    trials = tables.scored
    searched = [h for h in hyperparameters(tables) if h.distinct > 0]
    if len(trials) < 2:
        return [Panel(title, None, "Lines through the settings need two trials with a value.")]
    if len(searched) < 2:
        return [Panel(title, None, "With one hyperparameter, its own plot above says it all.")]
    axes_ticks = [_lane(h) for h in searched]
    values = ValueScale(tables).position(trials["value"].to_numpy())
    low, high = float(values.min()), float(values.max())
    span = high - low or 1.0
    x = np.column_stack([*[lane[0] for lane in axes_ticks], (values - low) / span])
    positions, labels = ValueScale(tables).ticks(low, high, gap=0.16)
    lanes = [
        *[(h.path, ticks) for h, (_, ticks) in zip(searched, axes_ticks, strict=True)],
        (tables.objective, ([(p - low) / span for p in positions], labels)),
    ]
    merit = trials["value"].rank(method="first", ascending=not tables.maximised).to_numpy()
    top = merit <= np.clip(round(TOP_SHARE * len(trials)), 1, MOST_TOP)
    picture = _picture(tables, x, top, lanes)
    tops = wording.many(int(top.sum()), "trial").removeprefix("1 ")
    return [
        Panel(
            title,
            picture,
            f"In colour: the best {tops}. A line that passes at "
            "the far left of an axis does not use that hyperparameter.",
        )
    ]


def _lane(hyperparameter: Hyperparameter) -> tuple[NDArray[np.float64], Ticks]:
    """Where each trial crosses one axis, between 0 and 1, and the axis' ticks."""
    low, high = hyperparameter.frame
    if not hyperparameter.categories:
        margin = (high - low) * 0.04 / 1.08
        low, high = low + margin, high - margin
    x = (hyperparameter.positions - low) / (high - low)
    if hyperparameter.categories:
        x += 0.5 / len(hyperparameter.categories) * ((np.arange(len(x)) * 0.618034) % 1 - 0.5)
    positions, labels = hyperparameter.ticks(gap=0.16)
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
    tables: StudyTables,
    x: NDArray[np.float64],
    top: NDArray[np.bool_],
    lanes: list[tuple[str, Ticks]],
) -> str:
    from matplotlib.collections import LineCollection

    heights = -np.arange(len(lanes), dtype=float)
    # A short level stretch at each axis keeps lines from hiding the ticks between two axes.
    lines = [np.column_stack([row, heights]) for row in x]
    with canvas(30 + 62 * len(lanes)) as (figure, axes):
        for chosen, color, width, alpha in (
            (~top, TRIAL, 0.7, max(0.08, min(0.4, 40 / len(x)))),
            (top, BEST, 1.3, 0.85),
        ):
            collection = LineCollection(
                [line for line, is_in in zip(lines, chosen, strict=True) if is_in],
                colors=color,
                linewidths=width,
                alpha=alpha,
                rasterized=len(lines) > MANY,
            )
            axes.add_collection(collection)
        for height, (name, (places, labels)) in zip(heights, lanes, strict=True):
            axes.plot([0, 1], [height, height], color=INK, linewidth=1.0, zorder=4)
            written = {
                "zorder": 6,
                "bbox": {"facecolor": "white", "alpha": 0.9, "pad": 0.6, "linewidth": 0},
            }
            axes.text(
                0, height + 0.12, wording.shortened(name, 44), weight="bold", va="bottom", **written
            )
            for place, label in zip(places, labels, strict=True):
                axes.plot(
                    [place, place], [height, height - 0.05], color=INK, linewidth=0.8, zorder=4
                )
                side = "right" if place > 0.96 else "center"
                axes.text(
                    place, height - 0.09, label, ha=side, va="top", size=9.5, color=MUTED, **written
                )
        axes.set_xlim(OFF - 0.02, 1.02)
        axes.set_ylim(heights[-1] - 0.35, 0.42)
        axes.set_axis_off()
        return svg(figure, "parallel", tables)
