from pathlib import Path

import pytest

from mnist_seq.report.page import render
from tests.report.browser import CHROMIUM, measure
from tests.report.studies import study
from tests.report.test_page import page_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize(
    "name", ["1 trial", "20 trials", "300 trials", "all failed", "a loss", "long names"]
)
def test_every_figure_is_drawn_and_no_text_overlaps(name: str, width: int, tmp_path: Path) -> None:
    page = page_of(name)
    seen = measure(page, width, tmp_path)
    assert len(seen["figures"]) == page.count("<figure>")
    for figure in seen["figures"]:
        assert figure["width"] > 300
        assert figure["height"] > 90
        assert figure["marks"] > 5
    assert seen["overlaps"] == []
    assert seen["outside"] == []
    assert seen["wide"] == []
    assert seen["scrolls"] <= 0


def test_the_measurement_can_fail(tmp_path: Path) -> None:
    page = render(study(5))
    crossing = (
        '<text transform="translate(40 40) rotate(-0)">one</text>'
        '<text transform="rotate(-0 44 42)" x="44" y="42">two</text>'
        '<text x="900" y="9">out</text>'
    )
    crossed = page.replace("</svg></", f"{crossing}</svg></")
    seen = measure(crossed.replace("<pre>", '<pre style="width:900px">'), 400, tmp_path)
    assert any("one" in pair and "two" in pair for pair in seen["overlaps"])
    assert "out" in seen["outside"]
    assert seen["wide"]
