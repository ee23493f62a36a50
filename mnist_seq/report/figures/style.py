"""Common style of all figures, and their conversion from matplotlib to compact SVG."""

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.tables import StudyTables

WIDTH = 400  # one panel fills a phone's width; a desk shows two or three side by side
INK = "#22252a"
MUTED = "#6b7280"
RULE = "#dfe2e6"
TRIAL = "#6f8aa3"
BEST = "#c2410c"
ACCENT = "#1d5f8a"
PALE = 0.35  # opacity of differences that luck explains
DASHED = (0, (4, 3))  # matplotlib's word for dashes of 4 points, 3 apart
# With more trials than this, points and curves are pictures inside the SVG: a phone would crawl
# over tens of thousands of shapes.
MANY = 400

# What XML 1.0 allows in no way: a name with one of these would leave a picture unreadable.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
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
    """A titled figure with a note, or with the reason why there is no figure.

    Attributes
    ----------
    picture : Markup or None
        An SVG element; None where there is nothing to show.
    note : str
        What to see in the picture, or why there is none; like the title, plain text.
    """

    title: str
    picture: Markup | None
    note: str = ""


@contextmanager
def paper(height: int = 250, width: int = WIDTH) -> Iterator[Any]:
    """Context manager: an empty figure in the report's style; call `svg` inside the block."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_LOOK):
        yield Figure(figsize=(width / 72, height / 72))


@contextmanager
def canvas(height: int = 250) -> Iterator[tuple[Any, Any]]:
    """Context manager: a figure with axes in the report's style; call `svg` inside the block."""
    with paper(height) as figure:
        yield figure, figure.subplots()


def svg(figure: Any, name: str, tables: StudyTables | None = None) -> Markup:
    """Convert a figure to an SVG element that can be embedded in an HTML page.

    Parameters
    ----------
    figure : matplotlib Figure
        Made by `paper` or `canvas`.
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
    text = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", buffer.getvalue())
    text = text[text.index("<svg") :].strip()
    unseen = r"<metadata>.*?</metadata>|<!--.*?-->|<style type=.*?</style>"
    text = re.sub(unseen, "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"| version="1.1"', "", text)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r'(?<= d=")[^"]*|(?<= [xy]=")[^"]*', _rounded, text)
    text = re.sub(r">\s+<", "><", text)
    if tables is not None:
        text = _named(text, tables)
    return Markup(text.replace("<svg", '<svg role="img"', 1))


def color_map(colors: Sequence[str]) -> Any:
    """A matplotlib colour map that interpolates linearly between the given colours."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("", colors)


def standalone(picture: str) -> str:
    """Turn an embedded SVG element into the text of a standalone SVG file."""
    return str(picture).replace(
        "<svg",
        '<svg xmlns="http://www.w3.org/2000/svg" style="background:#fff" '
        'font-family="system-ui, sans-serif"',
        1,
    )


def picture_files(panels: Mapping[str, Panel]) -> dict[str, str]:
    """Standalone SVG files by file name, of the panels that have a picture."""
    return {
        f"{name}.svg": standalone(panel.picture)
        for name, panel in panels.items()
        if panel.picture is not None
    }


def _rounded(match: re.Match[str]) -> str:
    return re.sub(r"(\d+\.\d\d)\d+", r"\1", match.group())


def _named(text: str, tables: StudyTables) -> str:
    """Add a tooltip with trial number and value to each link to a trial."""
    titles = {
        f"#trial-{number}": f"trial {number}: {wording.value(tables.objective, value)}"
        for number, value in zip(tables.scored["number"], tables.scored["value"], strict=True)
    }

    def with_title(link: re.Match[str]) -> str:
        return Markup("{}<title>{}</title>").format(Markup(link.group()), titles[link.group(1)])

    return re.sub(r'<a href="(#trial-\d+)"[^>]*>', with_title, text)
