"""The page in a browser, of a network that is none (`served_page`)."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.drawing.served_page import HARMFUL, NAMES, ROWS
from tests.drawing.window import CHART, DRIVER, Window, opened
from tests.report.browser import CHROMIUM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    with opened() as window:
        yield window


@pytest.mark.parametrize("width", [1400, 400])
def test_a_drawing_is_read_and_any_name_stays_text(width: int, place: str, window: Window) -> None:
    window.open(f"http://{place}", width)
    assert window.texts(".name") == [*NAMES]
    assert window.text("#draw header .muted") == HARMFUL[0]
    assert (window.text(".best"), {*window.texts(".share")}) == ("", {""})
    window.draw([(0.3, 0.2), (0.7, 0.8)])
    window.until(lambda: window.text(".row-read") == f"row {ROWS} of {ROWS}")
    assert window.text(".best") == "ક"
    assert window.texts(".share") == ["100.0"] + 61 * ["0.0"]
    assert window.run(CHART)[0] == 62 * [ROWS]
    assert window.run("window.harmed") is None
    room = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert window.run(room) == 0
    hosts = {urlsplit(address).netloc for address in window.asked_for()}
    assert hosts - {""} == {place}  # a picture's address is the picture itself


STROKES = "document.querySelectorAll('.paper path').length"


@pytest.mark.parametrize("button", ["Undo", "Clear"])
def test_without_any_stroke_nothing_is_guessed(button: str, place: str, window: Window) -> None:
    window.open(f"http://{place}")
    for stroke in ([(0.5, 0.2), (0.5, 0.8)], [(0.2, 0.5)]):
        window.draw(stroke)
    window.until(lambda: window.text(".best") == "ક")
    assert window.run(STROKES) == 2
    if button == "Undo":
        window.press(button)
        window.until(lambda: window.run(STROKES) == 1)
        assert window.text(".best") == "ક"
    window.press(button)
    window.until(lambda: window.text(".best") == "")
    assert {*window.texts(".share")} == {""}
    window.until(lambda: window.run(CHART) == [62 * [0], []])
