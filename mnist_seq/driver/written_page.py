"""A page that a command has written, and what it says in words."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

HEIGHT = 900  # pixels, in a notebook


@dataclass(frozen=True)
class WrittenPage:
    """A page about a study or a network, with its findings; a notebook shows it whole.

    Attributes
    ----------
    path : Path
        The HTML file.
    findings : tuple of str
        What it says, a sentence or two each.
    """

    path: Path
    findings: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*(f"- {line}" for line in self.findings), str(self.path)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        # A page of its own: its styles stay in it, and it has no scripts.
        page = escape(self.path.read_text(encoding="utf-8"))
        return (
            f'<iframe srcdoc="{page}" sandbox style="width: 100%; height: {HEIGHT}px; border: 0">'
            "</iframe>"
        )
