"""Texts that matplotlib's own font lacks, on a machine with one font more."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mnist_seq.data.page.layout import Box, Character
from mnist_seq.report.characters import drawing
from mnist_seq.report.characters.answers import Answer, Candidate
from mnist_seq.report.figures import fonts

OWN = font_manager.findfont("DejaVu Sans")
OTHER = str(Path(OWN).with_name("STIXSizOneSymReg.ttf"))
UNION = "\N{N-ARY UNION OPERATOR WITH DOT}"  # which the other alone has


def _forget() -> None:
    for kept in (fonts.font_file, fonts._font_files, drawing._label):
        kept.cache_clear()


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with one font more than matplotlib, and a file that is none."""
    damaged = tmp_path / "a.ttf"
    damaged.write_bytes(b"no font")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(damaged), OTHER])
    _forget()
    yield
    _forget()


def test_another_font_is_taken_where_matplotlibs_lacks_a_character() -> None:
    assert fonts.font_file("7a\N{GREEK SMALL LETTER ALPHA}") == OWN
    assert fonts.font_file(UNION) == OTHER
    assert fonts.font_file("\N{GUJARATI LETTER KA}") is None


def drawn(label: str) -> bytes:
    character = Character(Box(40, 60, 60, 90), np.full((30, 20), 255, np.uint8))
    answer = Answer((Candidate(label, 1.0),), is_sure=True)
    return drawing.drawn_page(np.full((120, 160), 230, np.uint8), [character], [answer])


def test_a_label_that_no_font_has_is_its_code_point() -> None:
    assert drawn("\N{GUJARATI LETTER KA}") == drawn("0A95") != drawn(UNION)


def test_matplotlib_draws_every_character_that_some_font_has() -> None:
    """It warns of a glyph that is missing, and here a warning is an error."""
    figure = Figure()
    with mpl.rc_context({"font.family": ["sans-serif", *fonts.families(["7", UNION])]}):
        figure.text(0.5, 0.5, f"7{UNION}")
        FigureCanvasAgg(figure).draw()
