"""A self-contained HTML page in the report's look: its frame, its sections, its figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mnist_seq.report.drawing import Panel
from mnist_seq.report.stylesheet import STYLESHEET


@dataclass(frozen=True)
class Part:
    """A heading, what to know about it, and the figures under it."""

    heading: str
    about: str
    panels: Sequence[Panel]


def document(title: str, body: str) -> str:
    """The text of one HTML file.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLESHEET}</style>
</head>
<body>
{body}</body>
</html>
"""


def section(part: Part) -> str:
    """A part as HTML."""
    panels = "".join(panel(each, part.heading) for each in part.panels)
    return (
        f'<section><div><h2>{escape(part.heading)}</h2><p class="about">{text(part.about)}</p>'
        f'</div><div class="panels">{panels}</div></section>\n'
    )


def panel(shown: Panel, heading: str) -> str:
    """A figure as HTML; its title is left out where the heading says it."""
    said = shown.title in {"", heading}
    title = "" if said else f"<h3>{escape(shown.title)}</h3>"
    if shown.picture is None:
        return f'<div>{title}<p class="none">{text(shown.note)}</p></div>'
    picture = shown.picture.replace("<svg", f'<svg aria-label="{escape(shown.title)}"', 1)
    caption = f"<figcaption>{text(shown.note)}</figcaption>" if shown.note else ""
    return f"<figure>{title}{picture}{caption}</figure>"


def text(words: str) -> str:
    """Escaped, and without a line's break between a number and what belongs to it."""
    return escape(words).replace(" %", "&nbsp;%").replace(" ±", "&nbsp;±").replace("± ", "±&nbsp;")
