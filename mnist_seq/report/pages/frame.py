"""The rendering of pages from the Jinja2 templates in this folder, which escape all text."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mnist_seq.report.figures import drawing


def fill(template: str, **values: object) -> Markup:
    """A template with its values filled in; they are escaped unless they are Markup."""
    return Markup(_TEMPLATES.get_template(template).render(**values))


def unbroken(text: str) -> str:
    """The text without a line's break between a number and what belongs to it."""
    space = "\N{NO-BREAK SPACE}"
    return text.replace(" %", f"{space}%").replace(" ±", f"{space}±").replace("± ", f"±{space}")


def breakable(name: str) -> Markup:
    """A name that may go on in a new line after a dot or an underscore."""
    return escape(name).replace(".", Markup(".<wbr>")).replace("_", Markup("_<wbr>"))


_TEMPLATES = Environment(
    loader=PackageLoader("mnist_seq.report.pages", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.globals["colors"] = drawing  # the templates name INK, BEST, ... as the figures do
_TEMPLATES.filters |= {"unbroken": unbroken, "breakable": breakable}
