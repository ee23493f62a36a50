"""MLflow's own pages on a finished sweep, driven as a person would."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from mnist_seq.config.settings import TrackingConfig, scalar_text
from mnist_seq.driver.workspace import Workspace
from mnist_seq.tracking.results import Experiment, Results, StoredRun
from mnist_seq.tracking.ui import addresses, local_address, serve_ui
from tests.experiments.commands import printed
from tests.report.browser import CHROMIUM, FLAGS

DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
]


TRIALS = 20
SEARCHED = ("model.return_sequences", "model.readout", "training.learning_rate", "training.epochs")
# Parallel coordinates are lines on a canvas, which forgets them: noted while they are drawn.
NOTE_LINES = """
const pen = CanvasRenderingContext2D.prototype;
const before = (name, note) => {
  const own = pen[name];
  pen[name] = function (...given) { note(this, given); return own.apply(this, given); };
};
before('clearRect', (at) => { at.canvas.lines = new Set(); });
before('beginPath', (at) => { at.path = []; });
before('moveTo', (at, point) => { at.path?.push(point); });
before('lineTo', (at, point) => { at.path?.push(point); });
before('stroke', (at) => { (at.canvas.lines ??= new Set()).add(JSON.stringify(at.path)); });
"""
LINES = "[...document.querySelectorAll('.parcoords canvas.foreground')].map(c => c.lines?.size)"
# Of each chart, how many curves have two points or more; MLflow draws each once more, faintly.
CURVES = """[...document.querySelectorAll('.js-plotly-plot')].map(
  plot => [...plot.querySelectorAll('.scatterlayer path.js-line')].filter(
    line => line.style.strokeOpacity == 1 && line.getAttribute('d').includes('L')).length)"""
# Of each chart, whether there is a line or a point or, of one sample in the first second, a bar.
DRAWN = """[...document.querySelectorAll('.js-plotly-plot')].map(plot =>
  plot.querySelector('.scatterlayer path:is(.js-line, .point), .barlayer path') !== null)"""
ROWS = """(() => {
  const rows = {};
  for (const cell of document.querySelectorAll("[role='row'] > [role='gridcell']"))
    (rows[cell.closest('[role=row]').getAttribute('row-index')] ??= {})[
      cell.getAttribute('col-id')] = cell.textContent.trim();
  return Object.entries(rows).sort((a, b) => a[0] - b[0]).map(([_, cells]) => cells);
})()"""


class Page:
    """A browser's window, with patience: MLflow draws its pages piece by piece."""

    def __init__(self, browser: Chrome) -> None:
        self._browser = browser
        noted = {"source": NOTE_LINES}
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", noted)

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

    def shows(self, script: str, is_whole: Callable[[Any], bool]) -> Any:
        """What an expression gives once it is whole, or in the end."""
        seen: Any = None

        def look(browser: Chrome) -> bool:
            nonlocal seen
            seen = browser.execute_script(f"return {script}")
            return is_whole(seen)

        try:
            WebDriverWait(self._browser, 60).until(look)
        except TimeoutException:
            return seen
        return seen

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
    """A study of small networks with trials, reruns and a sensitivity analysis."""
    made = tmp_path_factory.mktemp("mlruns")
    # Not left to luck: all might keep the last state only.
    both = "[{model.return_sequences:false},{model.return_sequences:true,model.readout:mean}]"
    where = f"tracking.folder={made}"
    printed(
        "sweep",
        *("data=digits", "study=seen", f"search.trials={TRIALS}", "model.units=8"),
        *("~search.space.model.units", "~search.space.training.batch_size"),
        *("search.space.training.epochs.low=2", "search.space.training.epochs.high=3"),
        *("search.space.model.readout.choices=[mean]", f"search.baselines={both}"),
        *("search.sampler=random", "search.pruner=none", "tracking.system_metrics=true", where),
    )
    printed("rerun", "study=seen", "seeds=2", where)
    printed("sensitivity", "study=seen", *(f"values.{p}={v}" for p, v in VARIED.items()), where)
    return made


VARIED = {"model.units": "[4,8]", "training.batch_size": "[28,64]"}


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[tuple[int, Experiment, Results]]:
    workspace = Workspace(TrackingConfig(folder=str(folder)))
    with serve_ui(workspace.store, 0) as (port, _):
        yield port, workspace.experiment("seen"), workspace.results


@pytest.fixture
def page() -> Iterator[Page]:
    options = Options()
    options.binary_location = str(CHROMIUM)
    for flag in ("--headless=new", "--window-size=2400,2000", *FLAGS):
        options.add_argument(flag)
    browser = Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield Page(browser)
    finally:
        browser.quit()


def test_parallel_coordinates_and_curves_of_all_trials_are_there_without_a_click(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, _ = served
    page.open(addresses(study, local_address(port))["curves"])
    page.find("body", f"{TRIALS} of {TRIALS} trials")  # the experiment's description
    assert page.shows(LINES, lambda lines: lines == [TRIALS]) == [TRIALS]
    assert page.shows(CURVES, lambda curves: curves == 2 * [TRIALS]) == 2 * [TRIALS]


@pytest.mark.parametrize("path", SEARCHED)
def test_a_trial_that_lacked_a_setting_would_be_missed(
    page: Page, served: tuple[int, Experiment, Results], folder: Path, path: str
) -> None:
    port, study, results = served
    run = results.runs(study, "trial")[3]
    with closing(sqlite3.connect(folder / "mlflow.db", isolation_level=None)) as database:
        which = (run.id, path)
        database.execute("DELETE FROM params WHERE run_uuid = ? AND key = ?", which)
        try:
            page.open(addresses(study, local_address(port))["curves"])
            assert page.shows(LINES, lambda lines: lines == [TRIALS - 1]) == [TRIALS - 1]
        finally:
            kept = (*which, scalar_text(run.params[path]))
            database.execute("INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)", kept)


def name_in(row: dict[str, str]) -> str:
    """The name of a run, before which MLflow writes its colour; nothing for a group of runs."""
    found = re.search(r"(trial|rerun|sensitivity) [0-9]+$", row["attributes.`Run Name`"])
    return found[0] if found else ""


def test_the_table_has_value_and_settings_of_all_trials_without_a_click(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, results = served
    value, params = "best_validation_accuracy", [f"params.`{path}`" for path in SEARCHED]
    page.open(addresses(study, local_address(port))["table"])
    wanted = {
        run.name: [run.metrics[value], *(scalar_text(run.params[path]) for path in SEARCHED)]
        for run in results.runs(study, "trial")
    }
    rows = page.shows(ROWS, lambda rows: len(rows) == TRIALS and params[-1] in rows[-1])
    shown = {
        name_in(row): [float(row[f"metrics.`{value}`"]), *map(row.get, params)] for row in rows
    }
    assert shown == wanted
    values = [values[0] for values in shown.values()]
    assert values == sorted(values, reverse=True)


def test_the_table_of_reruns_puts_the_best_beside_the_baseline(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, results = served
    page.open(addresses(study, local_address(port))["reruns"])
    rows = page.shows(ROWS, lambda rows: len(rows) == 6)  # two groups of two seeds
    groups = [row["attributes.`Run Name`"] for row in rows if not name_in(row)]
    assert len(groups) == 2
    assert sum("baseline: true" in group for group in groups) == 1
    by_name = {name_in(row): row for row in rows if name_in(row)}
    for run in results.runs(study, "rerun"):
        row = by_name[run.name]
        assert float(row["metrics.`test_accuracy`"]) == run.metrics["test_accuracy"]
        assert row["params.`seed`"] == str(run.params["seed"])
        assert row["params.`baseline`"] == ("true" if run.params.get("baseline") else "-")
        assert row["tags.`rerun_of`"] == run.tags["rerun_of"]
        for part in ("training", "validation", "test"):
            assert f"digits ({run.tags[f'{part}_digest']}){part}" in row["attributes.`Dataset`"]
    assert "reproduced exactly" in by_name["rerun 0"]["tags.`reproduced`"]


def test_the_table_of_a_sensitivity_analysis_has_each_setting_with_its_mean(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, results = served
    page.open(addresses(study, local_address(port))["sensitivity"])
    runs = results.runs(study, "sensitivity")
    columns = "tags.`hyperparameter`", "tags.`setting`", "params.`seed`"
    wanted = [
        (run.tags["hyperparameter"], run.tags["setting"], str(run.params["seed"])) for run in runs
    ]
    settings = {setting[:2] for setting in wanted}
    assert {path for path, _ in settings} == {"none", *VARIED}
    rows = page.shows(ROWS, lambda rows: len(rows) == len(settings) + len(runs))
    shown = [tuple(row[column] for column in columns) for row in rows if name_in(row)]
    assert sorted(shown) == sorted(wanted)
    assert [path for path, _, _ in shown] == sorted(path for path, _, _ in shown)
    value = "best_validation_accuracy"
    means = [
        fmean(
            run.metrics[value]
            for run in runs
            if (run.tags["hyperparameter"], run.tags["setting"]) == setting
        )
        for setting in settings
    ]
    groups = [row[f"metrics.`{value}`"] for row in rows if not name_in(row)]
    assert sorted(float(mean.removesuffix(" (average)")) for mean in groups) == pytest.approx(
        sorted(means)
    )


@pytest.mark.parametrize(("view", "charts"), [("reruns", 3), ("sensitivity", 6)])
def test_each_chart_of_a_view_has_something_in_it(
    page: Page, served: tuple[int, Experiment, Results], view: str, charts: int
) -> None:
    port, study, _ = served
    page.open(f"{addresses(study, local_address(port))[view]}&compareRunsMode=CHART")
    wanted = charts * [True]
    assert page.shows(DRAWN, lambda drawn: drawn == wanted) == wanted


def test_a_view_in_a_form_that_mlflow_does_not_know_leaves_the_plain_table(
    page: Page, served: tuple[int, Experiment, Results], folder: Path
) -> None:
    port, study, results = served
    which = (study.id, "mlflow.sharedViewState.trials")
    with closing(sqlite3.connect(folder / "mlflow.db", isolation_level=None)) as database:
        ((kept,),) = database.execute(
            "SELECT value FROM experiment_tags WHERE experiment_id = ? AND key = ?", which
        )
        change = "UPDATE experiment_tags SET value = ? WHERE experiment_id = ? AND key = ?"
        database.execute(change, ('{"version": 2, "columns": "all"}', *which))
        try:
            page.open(addresses(study, local_address(port))["table"])
            rows = page.shows(ROWS, lambda rows: len(rows) > TRIALS)
            assert len(rows) == len(results.runs(study))
        finally:
            database.execute(change, (kept, *which))


def test_an_unknown_view_leads_to_mlflows_page_about_the_study(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, _ = served
    address = addresses(study, local_address(port))["table"]
    page.open(address.replace("viewStateShareKey=trials", "viewStateShareKey=unknown"))
    page.find("body", f"{TRIALS} of {TRIALS} trials")  # the experiment's description
    page.find(f"a[href*='/experiments/{study.id}/runs']", "Training runs")


def test_the_views_are_in_mlflows_own_list(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, _ = served
    page.open(addresses(study, local_address(port))["table"])
    page.find("[data-testid='saved-views-trigger']", "trials")[0].click()
    listed = page.find("[data-testid^='saved-views-item']", at_least=3)
    assert {item.text for item in listed} == {"trials", "reruns", "sensitivity"}
    (reruns,) = [item for item in listed if item.text == "reruns"]
    reruns.click()
    page.find("body", "Sort: test_accuracy")


def test_the_machines_load_is_on_the_page_of_the_sweeps_run(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, results = served
    (sweep,) = results.runs(study, "sweep")
    page.open(run_address(study, sweep, port, "system-metrics"))
    for name in ("cpu_utilization_percentage", "system_memory_usage_megabytes"):
        page.find("body", name)
    assert page.shows(DRAWN, lambda drawn: drawn == 8 * [True]) == 8 * [True]


def test_three_trials_are_chosen_and_compared(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, _ = served
    page.open(addresses(study, local_address(port))["table"])
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
    page.open(addresses(study, local_address(port))["table"])
    page.find("input[aria-label*='toggle row selection']", at_least=5)
    page.find("button", "Group by")[0].click()
    page.find("[role='menuitemcheckbox']", "model.return_sequences")[0].click()
    page.find("body", "Group: true")
    page.find("body", "Group: false")


def run_address(study: Experiment, run: StoredRun, port: int, page: str) -> str:
    where = f"http://127.0.0.1:{port}/#/experiments/{study.id}/runs/{run.id}/{page}"
    return f"{where}?workflowType=machine_learning"


def test_a_trials_curves_are_seen_on_its_page(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, results = served
    run = results.runs(study, "trial")[0]
    page.open(run_address(study, run, port, "artifacts"))
    (*_, name) = [part for part in page.find("div", "curves.svg") if part.text == "curves.svg"]
    page.click(name)
    picture, *_ = page.find("img[src^='blob:']")
    assert page.width(picture) == 1000


def test_the_report_is_read_on_the_sweeps_run(
    page: Page, served: tuple[int, Experiment, Results]
) -> None:
    port, study, results = served
    (sweep,) = results.runs(study, "sweep")
    page.open(run_address(study, sweep, port, "artifacts"))
    (*_, name) = [part for part in page.find("div", "report.html") if part.text == "report.html"]
    page.click(name)
    assert f"{TRIALS} trials" in page.inside_frame("iframe")
