"""The look of every figure, and the way from matplotlib to a small piece of SVG for the page."""

import html
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnist_seq.report import wording
from mnist_seq.report.scales import Hyperparameter, Ticks, ValueScale
from mnist_seq.report.tables import StudyTables

WIDTH = 400  # one panel fills a phone's width; a desk shows two or three side by side
INK = "#22252a"
MUTED = "#6b7280"
RULE = "#dfe2e6"
TRIAL = "#6f8aa3"
BEST = "#c2410c"
ACCENT = "#1d5f8a"
# With more trials than this, points and curves are pictures inside the SVG: a phone would crawl
# over tens of thousands of shapes.
MANY = 400

_LOOK = {
    "font.size": 10.5,
    "font.family": "sans-serif",
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.major.width": 0.7,
    "svg.fonttype": "none",  # text stays text: selectable, and in the reader's own font
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Panel:
    """One figure of the page, or the sentence that stands in its place.

    Attributes
    ----------
    title : str
        Plain text.
    picture : str or None
        SVG; None where there is nothing to show.
    note : str
        What to see in the picture, or why there is none; plain text.
    """

    title: str
    picture: str | None
    note: str = ""


@contextmanager
def paper(height: int = 250, width: int = WIDTH) -> Iterator[Any]:
    """An empty figure in the report's look; save it with `svg` before leaving."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_LOOK):
        yield Figure(figsize=(width / 72, height / 72))


@contextmanager
def canvas(height: int = 250) -> Iterator[tuple[Any, Any]]:
    """An empty figure and its axes in the report's look; save it with `svg` before leaving."""
    with paper(height) as figure:
        yield figure, figure.subplots()


def svg(figure: Any, name: str, tables: StudyTables | None = None) -> str:
    """The figure as an SVG element that may stand in a page beside others.

    Parameters
    ----------
    figure : matplotlib Figure
        Made in `canvas`.
    name : str
        Unique in the page: inner references start with it.
    tables : StudyTables, optional
        To say which trial a point is, when the pointer rests on it.
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        # The reader's browser has the letters that matplotlib's own font may lack.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(buffer, format="svg", dpi=160, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<style type=.*?</style>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"| version="1.1"', "", text)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r'(?<= d=")[^"]*|(?<= [xy]=")[^"]*', _rounded, text)
    text = re.sub(r">\s+<", "><", text)
    if tables is not None:
        text = _named(text, tables)
    return text.replace("<svg", '<svg role="img"', 1)


def standalone(picture: str) -> str:
    """An SVG element as a file of its own."""
    return picture.replace(
        "<svg",
        '<svg xmlns="http://www.w3.org/2000/svg" style="background:#fff" '
        'font-family="system-ui, sans-serif"',
        1,
    )


def scatter(
    axes: Any,
    tables: StudyTables,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    color: str = TRIAL,
    alpha: float = 0.9,
) -> None:
    """Every scored trial as a point: filled if complete, hollow if pruned; best and baseline last.

    Each point leads to the trial's row in the table of trials.
    """
    shown = np.isfinite(x) & np.isfinite(y)
    if not shown.any():
        return
    trials = tables.scored
    hollow = (trials["state"] == "pruned").to_numpy()
    # A colour for each point, though alike, keeps matplotlib from dropping the points' links.
    points = axes.scatter(
        x[shown],
        y[shown],
        s=16,
        facecolors=np.where(hollow, "#ffffff", color)[shown],
        edgecolors=[color] * int(shown.sum()),
        linewidths=0.8,
        alpha=alpha if len(trials) <= MANY else alpha / 2,
        rasterized=len(trials) > MANY,
        zorder=3,
    )
    if len(trials) <= MANY:
        points.set_urls([f"#trial-{number}" for number in trials["number"][shown]])
    for trial, marker, special, size in (
        (tables.baseline, "s", INK, 34),
        (tables.best, "D", BEST, 40),
    ):
        if trial is not None:
            row = int(np.flatnonzero(trials["number"] == trial.number)[0])
            if shown[row]:
                mark = axes.scatter(
                    x[[row]], y[[row]], s=size, marker=marker, color=special, zorder=5
                )
                mark.set_urls([f"#trial-{trial.number}"])


def value_axis(axes: Any, tables: StudyTables, positions: NDArray[np.float64]) -> None:
    """The objective upwards, framed to hold all the given positions."""
    found = positions[np.isfinite(positions)]
    low, high = float(found.min()), float(found.max())
    margin = 0.07 * (high - low) or 0.1
    axes.set_ylim(low - margin, high + margin)
    set_ticks(axes.yaxis, ValueScale(tables).ticks(low - margin, high + margin))
    axes.set_ylabel(tables.objective.replace("_", " "), labelpad=6)


def hyperparameter_axis(axes: Any, hyperparameter: Hyperparameter) -> None:
    """A hyperparameter to the right, over its whole range."""
    axes.set_xlim(*hyperparameter.frame)
    positions, labels = hyperparameter.ticks()
    set_ticks(axes.xaxis, (positions, labels))
    room = WIDTH * 0.8 / max(len(labels), 1)
    if hyperparameter.categories and max(map(len, labels)) * 6.3 > room:
        axes.tick_params(axis="x", rotation=40 if room > 18 else 90)
        if room > 18:
            for label in axes.get_xticklabels():
                label.set_horizontalalignment("right")
                label.set_rotation_mode("anchor")


def set_ticks(axis: Any, ticks: Ticks) -> None:
    axis.set_ticks(ticks[0])
    axis.set_ticklabels(ticks[1])
    axis.set_minor_locator(_no_ticks())


def baseline_rule(axes: Any, tables: StudyTables) -> None:
    """A dashed line at the baseline's value, if there is one."""
    if tables.baseline is not None:
        height = float(ValueScale(tables).position(tables.baseline.value))
        axes.axhline(height, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=2)


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


def _rounded(match: re.Match[str]) -> str:
    return re.sub(r"(\d+\.\d\d)\d+", r"\1", match.group())


def _named(text: str, tables: StudyTables) -> str:
    values: pd.Series[float] = tables.scored.set_index("number")["value"]
    names = {
        f"#trial-{number}": f"trial {number}: {wording.value(tables.objective, float(value))}"
        for number, value in values.items()
    }
    return re.sub(
        r'<a href="(#trial-\d+)"[^>]*>',
        lambda match: f"{match.group()}<title>{html.escape(names[match.group(1)])}</title>",
        text,
    )
