"""MLflow's own pages on a finished sweep, driven as a person would."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from mnist_seq.config import TrackingConfig
from mnist_seq.driver.workspace import Workspace
from mnist_seq.tracking.results import Experiment, Results, RunInfo
from mnist_seq.tracking.ui import charts_address, serve_ui, table_address
from tests.experiments.commands import printed
from tests.report.browser import CHROMIUM, FLAGS

DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]


class Page:
    """A browser's window, with patience: MLflow draws its pages piece by piece."""

    def __init__(self, browser: Chrome) -> None:
        self._browser = browser

    def open(self, address: str) -> None:
        self._browser.get("about:blank")
        self._browser.get(address)

    def find(self, selector: str, text: str = "", at_least: int = 1) -> list[WebElement]:
        """Elements that contain a text, once there are enough of them."""

        def found(browser: Chrome) -> list[WebElement]:
            elements = browser.find_elements(By.CSS_SELECTOR, selector)
            fitting = [element for element in elements if text in element.text]
            return fitting if len(fitting) >= at_least else []

        return WebDriverWait(self._browser, 60, ignored_exceptions=[Exception]).until(found)

    def click(self, element: WebElement) -> None:
        self._browser.execute_script("arguments[0].click()", element)

    def width(self, picture: WebElement) -> int:
        """Of a picture, as it is in its file; 0 where the browser cannot read it."""
        script = "const [at, done] = arguments; at.decode().finally(() => done(at.naturalWidth))"
        return int(self._browser.execute_async_script(script, picture))

    def inside_frame(self, selector: str) -> str:
        """Text of a page within the page."""
        (frame, *_) = self.find(selector)
        self._browser.switch_to.frame(frame)
        text = self.find("body")[0].text
        self._browser.switch_to.default_content()
        return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mlruns")
    # Not left to luck: among so few trials all may keep the last state only.
    both = "[{model.return_sequences:false},{model.return_sequences:true,model.readout:mean}]"
    settings = ["data=digits", "study=seen", "search.trials=5", f"tracking.folder={made}"]
    settings.append(f"search.baselines={both}")
    printed("sweep", *settings)
    return made


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[tuple[int, Experiment, Results]]:
    workspace = Workspace(TrackingConfig(folder=str(folder)))
    with serve_ui(workspace.store, 0) as (port, _):
        yield port, workspace.experiment("seen"), workspace.results


@pytest.fixture
def page() -> Iterator[Page]:
    options = Options()
    options.binary_location = str(CHROMIUM)
    for flag in ("--headless=new", "--window-size=1800,1100", *FLAGS):
        options.add_argument(flag)
    browser = Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield Page(browser)
    finally:
        browser.quit()


def test_the_curves_of_all_trials_are_there_at_once(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, _ = served
    page.open(charts_address(study, port))
    page.find("body", "5 of 5 trials")  # the experiment's description
    page.find("[data-testid='experiment-view-compare-runs-card-drag-handle'], h4", "Parallel")
    page.find(".parcoords-lines, canvas.parcoords-lines, svg .axis-heading, .parcoords")
    # One line for each trial in each of two charts.
    page.find("svg .scatterlayer .trace", at_least=10)


def test_the_table_shows_the_value_and_what_was_searched(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, _ = served
    page.open(table_address(study, port))
    page.find("body", "5 matching runs")
    for text in ("best_validation", "model.units", "model.readout", "model.return"):
        page.find("body", text)


def test_three_trials_are_chosen_and_compared(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, _ = served
    page.open(table_address(study, port))
    rows = page.find("input[aria-label*='toggle row selection']", at_least=5)
    for row in rows[:3]:
        page.click(row)
    page.click(page.find("[data-testid='runs-compare-button']")[0])
    page.find("body", "Comparing 3 Runs from 1 Experiment")
    page.find("body", "Parallel Coordinates Plot")
    page.find("svg .dimension, svg .parcoords, .parcoords", at_least=1)


def test_trials_are_grouped_by_return_sequences(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, _ = served
    page.open(table_address(study, port))
    page.find("input[aria-label*='toggle row selection']", at_least=5)
    page.find("button", "Group by")[0].click()
    page.find("[role='menuitemcheckbox']", "model.return_sequences")[0].click()
    page.find("body", "Group: true")
    page.find("body", "Group: false")


def files_address(study: Experiment, run: RunInfo, port: int) -> str:
    where = f"http://127.0.0.1:{port}/#/experiments/{study.id}/runs/{run.id}/artifacts"
    return f"{where}?workflowType=machine_learning"


def test_a_trials_curves_are_seen_on_its_page(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, results = served
    run = results.runs(study, "trial")[0]
    page.open(files_address(study, run, port))
    (*_, name) = [part for part in page.find("div", "curves.svg") if part.text == "curves.svg"]
    page.click(name)
    picture, *_ = page.find("img[src^='blob:']")
    assert page.width(picture) == 1000


def test_the_report_is_read_on_the_sweeps_run(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, results = served
    (sweep,) = results.runs(study, "sweep")
    page.open(files_address(study, sweep, port))
    (*_, name) = [part for part in page.find("div", "report.html") if part.text == "report.html"]
    page.click(name)
    assert "5 trials" in page.inside_frame("iframe")
