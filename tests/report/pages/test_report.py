import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser

import pytest

from mnist_seq.config.search import Choices, Range
from mnist_seq.report.analysis.sweep_progress import SweepProgress
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.style import ACCENT
from mnist_seq.report.pages.report import analyse, found, render, render_live
from tests.report.studies import (
    BASELINE,
    DEFAULT,
    UNITS,
    Space,
    best_by_its_loss,
    mixed,
    study,
    unit,
)

STUDIES = {
    "no trial": lambda: study(0),
    "1 trial": lambda: study(1),
    "the baseline alone": lambda: study(1, baseline=BASELINE),
    "5 trials": lambda: study(5, baseline=BASELINE),
    "20 trials": lambda: study(20, baseline=BASELINE, states=mixed),
    "300 trials": lambda: study(300, baseline=BASELINE, states=mixed),
    "all failed": lambda: study(8, states=lambda _: "failed"),
    "all pruned": lambda: study(20, states=lambda _: "pruned", baseline=BASELINE),
    "all running": lambda: study(2, states=lambda _: "running"),
    "one hyperparameter": lambda: study(
        20, lambda s: 0.98 + 0.008 * unit(UNITS, s["model.units"]), space={"model.units": UNITS}
    ),
    "a loss": lambda: study(20, objective="validation_loss", baseline=BASELINE, states=mixed),
    "long names": lambda: study(
        40,
        lambda _: 0.98,
        space={
            "model.a_setting_with_a_rather_long_name.and_a_group_below_it": Choices(
                choices=[f"a choice whose name goes on and on, number {n}" for n in range(9)]
            ),
            "model.units": Range(low=1_000_000, high=9_000_000),
            "training.learning_rate": Range(low=1e-9, high=1e3, log=True),
            "model.many": Choices(choices=[f"choice {n}" for n in range(24)]),
        },
    ),
    "all equal": lambda: study(20, lambda _: 1.0, binomial=False),
}


@cache
def tables_of(name: str) -> StudyTables:
    return STUDIES[name]()


@cache
def page_of(name: str) -> str:
    return render(tables_of(name))


class Parsed(HTMLParser):
    """Tags, attributes and text of a page, as a browser takes them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


def pictures(page: str) -> list[str]:
    return [found.group() for found in re.finditer(r"<figure>.*?</figure>", page, re.DOTALL)]


@pytest.mark.parametrize(
    "name",
    [
        name if name == "20 trials" else pytest.param(name, marks=pytest.mark.slow)
        for name in STUDIES
    ],
)
def test_every_section_has_a_picture_with_marks_or_a_sentence(name: str) -> None:
    page = page_of(name)
    for section in page.split("<section")[1:]:
        if '<div class="panels">' in section:
            assert "<figure>" in section or '<p class="none">' in section
    for figure in pictures(page):
        svg = re.search(r"<svg.*</svg>", figure, re.DOTALL)
        assert svg is not None
        shapes = [e.tag for e in ET.fromstring(svg.group()).iter()]
        # Axes alone are two lines and their ticks; what is shown comes in colour on top of them.
        assert len(shapes) > 20
        assert "fill: #" in figure or "stroke: #" in figure
    assert "nan" not in re.sub(r"<style>.*?</style>|NaN", "", page, flags=re.DOTALL).split()


@pytest.mark.parametrize(
    "name",
    ["5 trials", "20 trials", "all pruned", pytest.param("300 trials", marks=pytest.mark.slow)],
)
def test_the_history_has_each_trial_with_a_value(name: str) -> None:
    tables = tables_of(name)
    history = next(f for f in pictures(page_of(name)) if "Found over time" in f)
    shown = {int(number) for number in re.findall(r'href="#trial-(\d+)"', history)}
    rows = tables.trials[tables.trials["state"].isin(["complete", "pruned"])]
    assert shown == set(rows["number"])


def test_every_link_to_a_trial_finds_its_row() -> None:
    page = page_of("20 trials")
    targets = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    names = re.findall(r' id="([^"]+)"', page)
    assert targets <= set(names)
    assert {f"trial-{n}" for n in range(20)} <= set(names)
    assert len(names) == len(set(names))


def test_nothing_is_loaded_from_anywhere() -> None:
    page = page_of("20 trials")
    parsed = Parsed(page)
    assert not {"script", "link", "iframe", "object", "base"} & set(parsed.tags)
    for name, value in parsed.attributes:
        if name in {"src", "href", "data", "srcset"}:
            assert value.startswith(("#", "data:image/png;base64,"))
    assert "http" not in page
    assert "@import" not in page
    assert set(re.findall(r"url\((.)", page)) <= {"#"}


def test_runs_are_named_by_the_first_letters_of_their_ids() -> None:
    tables = study(3, states=["complete", "failed", "pruned"])
    ids = [f"{n}{'ab' * 16}"[:32] for n in range(3)]
    page = render(replace(tables, trials=tables.trials.assign(run_id=ids)))
    cells = re.findall(r"<td>([0-9]abababa)</td>", page)
    assert sorted(cells) == ["0abababa", "1abababa", "1abababa", "2abababa"]  # failures have two


def test_hostile_names_stay_text() -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> $x_1$ & {0} %s \\"
    path = "model.<b>evil</b>"
    space: Space = {path: Choices(choices=[evil, "tame"]), "model.units": UNITS}
    tables = study(
        20,
        lambda _: 0.98,
        space=space,
        states=mixed,
        name=evil,
        command=evil,
        facts={evil: evil},
        baseline={path: evil, "model.units": 50},
    )
    rows = tables.trials.assign(
        reason=tables.trials["reason"].map(lambda _: evil), run_id=[evil] * 20
    )
    parsed = Parsed(render(replace(tables, trials=rows)))
    assert not {"script", "img", "b"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert evil in parsed.words


def test_letters_that_the_font_lacks_are_no_trouble() -> None:
    space: Space = {
        "model.readout": Choices(choices=["平均", "સરેરાશ", "mean"]),
        "model.units": UNITS,
    }
    assert "સરેરાશ" in render(study(20, lambda _: 0.98, space=space))


def test_two_sentences_say_what_was_searched_and_found() -> None:
    tables = tables_of("20 trials")
    lede = re.search(r'<p class="lede">(.*?)</p>', page_of("20 trials"), re.DOTALL)
    assert lede is not None
    text = lede.group(1).replace("\N{NO-BREAK SPACE}", " ")
    assert "20 trials in" in text
    assert tables.best is not None
    assert f"{100 * tables.best.value:.2f} %" in text
    assert "against the baseline" in text


def test_the_lede_says_where_the_best_by_loss_is_less_accurate() -> None:
    assert found(best_by_its_loss(0.98)).endswith(
        ": \N{MINUS SIGN}1.00 points (± 0.16) of accuracy against the baseline, worse by more than "
        "luck explains: it is best by its loss alone."
    )
    assert found(best_by_its_loss(0.9895)).endswith(", no more than luck may bring.")


def test_one_trial_is_counted_in_the_singular() -> None:
    words = Parsed(page_of("1 trial")).words.replace("\N{NO-BREAK SPACE}", " ")
    assert "there is 1." in words
    assert "there is 1 such trial." in words
    assert not re.search(r"\b1 (trials|epochs|images)\b|there are 1\b", words)


@pytest.mark.slow
def test_the_ledger_has_every_failure_with_its_reason() -> None:
    tables = tables_of("300 trials")
    ledger = page_of("300 trials").split("<h2>Failures</h2>")[1].split("</table>")[0]
    assert ledger.count("the loss became NaN in epoch 2") == tables.count("failed")


def test_the_page_is_the_same_each_time() -> None:
    assert render(STUDIES["5 trials"]()) == page_of("5 trials")


@pytest.mark.slow
def test_a_thousand_trials_make_a_page_of_ten_megabytes_at_most() -> None:
    space = {path: d for path, d in DEFAULT.items() if path != "training.epochs"}
    tables = study(1000, space=space, epochs=20, baseline=BASELINE, states=mixed)
    assert len(render(tables).encode()) < 10e6


def test_importing_the_page_loads_nothing_heavy() -> None:
    code = (
        "import sys, mnist_seq.report.pages.report\n"
        "heavy = {'tensorflow', 'keras', 'optuna', 'mlflow', 'hydra', 'distributed', 'dask',\n"
        "         'matplotlib', 'sklearn', 'scipy', 'plotly'}\n"
        "print(*heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def live_page(studied: int = 2) -> str:
    """Of a sweep with two trials that run; what is said of the others is a trial or two behind."""
    states = ["complete", "pruned", "complete", "running", "running"]
    tables = study(5, states=lambda n: states[n], epochs=3)
    progress = SweepProgress(tables, 20, 60.0, 3, None, datetime(2026, 1, 1, 12, tzinfo=UTC))
    return render_live(analyse(replace(tables, trials=tables.trials.iloc[:studied])), progress)


def test_a_browser_loads_the_page_of_a_running_sweep_again_and_no_other() -> None:
    refresh = ("http-equiv", "refresh")
    assert refresh in Parsed(live_page()).attributes
    assert refresh not in Parsed(page_of("20 trials")).attributes


def test_the_curves_of_trials_that_run_are_drawn_apart() -> None:
    (with_running,) = (p for p in pictures(live_page()) if "<h3>All trials</h3>" in p)
    ended = next(p for p in pictures(page_of("20 trials")) if "<h3>All trials</h3>" in p)
    for mark in ("<path[^>]*fill: none", "<use[^>]*fill: [^;]*"):  # a line, and the dot at its end
        of_running = re.compile(rf"{mark}; stroke: {ACCENT}")
        assert len(of_running.findall(with_running)) == 2
        assert not of_running.findall(ended)
    assert "Trials that run are blue" in with_running
    assert "Trials that run" not in ended


def test_the_page_says_of_how_many_trials_its_findings_are() -> None:
    assert "From the first 2 trials that ended" in live_page()
    assert "From the first trial that ended" in live_page(1)
    assert "trials that ended" not in page_of("20 trials")
    assert "too few to say what any hyperparameter does" in live_page()


def test_the_page_of_a_running_sweep_has_every_id_once() -> None:
    names = re.findall(r' id="([^"]+)"', live_page())
    assert len(names) == len(set(names))
    assert {f"trial-{n}" for n in range(5)} <= set(names)
