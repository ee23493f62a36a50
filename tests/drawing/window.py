"""A headless Chromium in which a page is drawn on, as a person would."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.report.browser import CHROMIUM, FLAGS

DRIVER = shutil.which("chromedriver")
# Of the chart, how many values each class has, and at which row its line is.
CHART = """(() => {
  const id = document.querySelector(".chart").id.slice(1);
  const {series} = getElement(Number(id)).chart.getOption();
  return [series.map((each) => each.data.length), series[0].markLine?.data ?? []];
})()"""


class Window:
    """A browser's window, with patience."""

    def __init__(self, browser: Chrome) -> None:
        self._browser = browser

    def open(self, address: str, width: int = 1400) -> None:
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self._browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self._browser.get(address)
        self.until(lambda: self._browser.find_elements(By.CSS_SELECTOR, ".paper svg"))

    def until(self, is_so: Callable[[], Any]) -> Any:
        waiting = WebDriverWait(self._browser, 60, 0.1, ignored_exceptions=[Exception])
        return waiting.until(lambda _: is_so())

    def draw(self, stroke: Sequence[tuple[float, float]]) -> None:
        """Draw with the mouse; places are shares of the paper's side."""
        paper = self._browser.find_element(By.CSS_SELECTOR, ".paper svg")
        side = paper.size["width"]
        actions = ActionChains(self._browser, duration=20)
        for number, (x, y) in enumerate(stroke):
            actions.move_to_element_with_offset(
                paper, round((x - 0.5) * side), round((y - 0.5) * side)
            )
            if number == 0:
                actions.click_and_hold()
        actions.release().perform()

    def press(self, name: str) -> None:
        for button in self._browser.find_elements(By.CSS_SELECTOR, ".buttons button"):
            if button.text == name:
                button.click()

    def texts(self, selector: str) -> list[str]:
        return [each.text for each in self._browser.find_elements(By.CSS_SELECTOR, selector)]

    def text(self, selector: str) -> str:
        (found,) = self.texts(selector)
        return found

    def run(self, script: str) -> Any:
        return self._browser.execute_script(f"return {script}")

    def asked_for(self) -> set[str]:
        """Addresses that pages have asked for since the last call."""
        log = self._browser.get_log("performance")  # type: ignore[no-untyped-call]
        events = [json.loads(entry["message"])["message"] for entry in log]
        return {
            event["params"]["url"]
            if event["method"] == "Network.webSocketCreated"
            else event["params"]["request"]["url"]
            for event in events
            if event["method"] in ("Network.webSocketCreated", "Network.requestWillBeSent")
        }


@contextmanager
def opened() -> Iterator[Window]:
    """Context manager: a window of its own."""
    options = Options()
    options.binary_location = str(CHROMIUM)
    for flag in ("--headless=new", *FLAGS):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    browser = Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield Window(browser)
    finally:
        browser.quit()
