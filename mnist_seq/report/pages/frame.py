"""Rendering of the Jinja2 templates in this folder, with automatic HTML escaping."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mnist_seq.report.figures import style


def fill(template: str, **values: object) -> Markup:
    """Render a template; values are escaped unless they are Markup."""
    return Markup(_TEMPLATES.get_template(template).render(**values))


def unbroken(text: str) -> str:
    """Put non-breaking spaces between numbers and their ``%`` or ``±``, and into ``p = 0.03``."""
    space = "\N{NO-BREAK SPACE}"
    text = text.replace(" %", f"{space}%").replace(" ±", f"{space}±").replace("± ", f"±{space}")
    return re.sub(r"\bp ([=<]) ", rf"p{space}\1{space}", text)


def breakable(name: str) -> Markup:
    """Escape a name and allow line breaks after its dots and underscores."""
    return escape(name).replace(".", Markup(".<wbr>")).replace("_", Markup("_<wbr>"))


_TEMPLATES = Environment(
    loader=PackageLoader("mnist_seq.report.pages", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.globals["colors"] = style  # the templates name INK, BEST, ... as the figures do
_TEMPLATES.filters |= {"unbroken": unbroken, "breakable": breakable}
