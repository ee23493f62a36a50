import itertools
from pathlib import Path
from typing import Any

import pytest

from mnist_seq.report.pages.report import render
from tests.report.browser import CHROMIUM, measure
from tests.report.pages.test_report import page_of
from tests.report.studies import study

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


WIDTHS = (1400, 400)
NAMES = ("1 trial", "20 trials", "300 trials", "all failed", "a loss", "long names")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], dict[str, Any]]:
    """What one browser measures of all pages, by study and width."""
    keys = list(itertools.product(NAMES, WIDTHS))
    pages = [(page_of(name), width) for name, width in keys]
    measured = measure(pages, tmp_path_factory.mktemp("browser"))
    return dict(zip(keys, measured, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_drawn_and_no_text_overlaps(
    name: str, width: int, seen: dict[tuple[str, int], dict[str, Any]]
) -> None:
    page = seen[name, width]
    assert len(page["figures"]) == page_of(name).count("<figure>")
    for figure in page["figures"]:
        assert figure["width"] > 300
        assert figure["height"] > 90
        assert figure["marks"] > 5
    assert page["overlaps"] == []
    assert page["outside"] == []
    assert page["wide"] == []
    assert page["scrolls"] <= 0


def test_the_measurement_can_fail(tmp_path: Path) -> None:
    page = render(study(5))
    crossing = (
        '<text transform="translate(40 40) rotate(-0)">one</text>'
        '<text transform="rotate(-0 44 42)" x="44" y="42">two</text>'
        '<text x="900" y="9">out</text>'
    )
    crossed = page.replace("</svg></", f"{crossing}</svg></")
    crossed = crossed.replace("<pre>", '<pre style="width:900px">')
    (seen,) = measure([(crossed, 400)], tmp_path)
    assert any("one" in pair and "two" in pair for pair in seen["overlaps"])
    assert "out" in seen["outside"]
    assert seen["wide"]
