from collections import Counter
from pathlib import Path

import pytest

from mnist_seq.report.analysis.study_comparison import ComparedStudy
from mnist_seq.report.pages.studies import render_studies, results
from tests.report.browser import CHROMIUM, measure
from tests.report.studies import THREE, mixed, study


def page(count: int, **more: str) -> str:
    """Some studies beside each other: of many trials, of few, of none with a value."""
    made = [
        study(12, states=mixed, name=more.get("name", "first")),
        study(
            3, space=THREE, name="a-name-of-the-greatest-length-that-a-study-can-have-in-any-case"
        ),
        study(2, states=["failed", "failed"], name="third"),
        *(study(3, seed=seed, name=f"study-{seed}") for seed in (3, 4, 5)),
    ]
    studies = [
        ComparedStudy(letter, tables, {"search.sampler": letter}, {"validation": "0a"})
        for letter, tables in zip("ABCDEF"[:count], made, strict=False)
    ]
    return render_studies(studies, "python -m experiments.compare")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.slow
def test_every_figure_is_drawn_and_no_text_overlaps(tmp_path: Path) -> None:
    shown = [(page(count), width) for count in (2, 6) for width in (1400, 400)]
    for (text, _), seen in zip(shown, measure(shown, tmp_path), strict=True):
        assert len(seen["figures"]) == text.count("<figure>") >= 5
        for figure in seen["figures"]:
            assert figure["width"] > 300
            assert figure["height"] > 90
            assert figure["marks"] > 5
        assert (seen["overlaps"], seen["outside"], seen["wide"]) == ([], [], [])
        assert seen["scrolls"] <= 0


def test_trials_beyond_the_limits_are_counted() -> None:
    tables = study(12, states=mixed)
    tables.trials.loc[tables.trials["number"] == 3, "state"] = "infeasible"
    studies = [ComparedStudy(letter, tables, {}, {}) for letter in "AB"]
    states = Counter(tables.trials["state"])
    shown = ("complete", "pruned", "infeasible", "failed")
    told = results(studies)["of these"][0]
    assert told == ", ".join(f"{states[state]} {state}" for state in shown if states[state])
    assert "1 infeasible" in told


def test_a_name_is_text_and_never_markup() -> None:
    text = page(2, name="<script>alert(1)</script>")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
