"""The page that compares two networks, and the files that go with it."""

import csv
import functools
import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mnist_seq.report.inside.compared_page import Inside, render_comparison
from mnist_seq.report.inside.gate_means import mean_gates
from mnist_seq.report.inside.pair import Pair
from mnist_seq.report.inside.reading import Gates
from tests.report.browser import CHROMIUM, measure
from tests.report.inside.networks import NAMES, gates, other_reading, reading
from tests.report.inside.test_pair_findings import NARROW, WIDE, subject

FACTS = {"run of A": "0" * 32, "run of B": "1" * 32}


def inside(*lstms: Gates) -> Inside:
    return Inside(lstms, mean_gates([lstms]))


@functools.cache
def made(
    names: tuple[str, ...] = NAMES, network: str = "zoo, trial 4", readout: str = "last"
) -> dict[str, str | bytes]:
    pair = Pair(reading(names), other_reading(names))
    subjects = NARROW, subject(network, units=128, readout=readout)
    one = replace(gates(1), memory_MSU=gates(1).memory_MSU / 2)
    two = inside(gates(1, "bidirectional_1, downwards"), gates(1, "bidirectional_1, upwards"))
    return render_comparison(subjects, pair, [7, 3], (inside(one), two), FACTS)


def test_the_page_needs_nothing_from_outside_and_its_parts_are_files_too() -> None:
    files = made()
    page = str(files["compared.html"])
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "<script" not in page
    pictures = {name for name in files if name.endswith(".svg")}
    assert pictures == {
        "accuracy_by_row.svg", "gate_means.svg",
        "image_7_a.svg", "image_7_b.svg", "image_3_a.svg", "image_3_b.svg",
        "image_7_a_lstm_1.svg", "image_7_b_bidirectional_1_downwards.svg",
        "image_7_b_bidirectional_1_upwards.svg",
        "disputed_1.svg", "disputed_3.svg", "disputed_6.svg", "disputed_7.svg",
    }  # fmt: skip
    for name in pictures:
        assert ET.fromstring(str(files[name])).tag == "{http://www.w3.org/2000/svg}svg"
    for text in FACTS.values():
        assert text in page


def test_answers_to_all_images_are_in_a_file() -> None:
    rows = list(csv.reader(io.StringIO(str(made()["results.csv"]), newline="")))
    assert rows[0] == ["index", "true_label", "predicted_label_a", "predicted_label_b", "result"]
    assert rows[1] == ["0", "ape", "ape", "ape", "both right"]
    assert rows[2] == ["1", "ape", "ape", "bee", "only A right"]
    assert rows[4] == ["3", "bee", "cat", "bee", "only B right"]
    assert rows[7] == ["6", "bee", "cat", "ape", "both wrong"]
    assert len(rows) == 9


def test_wrong_answers_are_marked_in_the_gallery_and_right_ones_are_not() -> None:
    page = str(made()["compared.html"])
    captions = re.findall(r"<figcaption>shows (.*?)</figcaption>", page, re.DOTALL)
    assert [re.sub(r"\s+", " ", caption) for caption in captions] == [
        '<b>cat</b><br>A: <b>cat</b><br>B: <b class="wrong">bee</b>',
        '<b>bee</b><br>A: <b class="wrong">cat</b><br>B: <b>bee</b>',
        '<b>bee</b><br>A: <b class="wrong">cat</b><br>B: <b class="wrong">ape</b>',
        '<b>ape</b><br>A: <b>ape</b><br>B: <b class="wrong">bee</b>',
    ]


def test_the_memories_of_both_have_the_same_colours() -> None:
    page = str(made()["compared.html"])
    reaches = re.findall("memory, \N{MINUS SIGN}([0-9.]+) to ([0-9.]+)", page)
    assert len(reaches) == 3, "A's LSTM and both directions of B's"
    assert len(set(reaches)) == 1


def test_names_of_people_are_text() -> None:
    names = ("一", "$x$ & <b>", "<script>alert(1)</script>")
    page = str(made(names, "<i>x</i> & $y$")["compared.html"])
    assert "<script" not in page
    assert "<i>" not in page
    assert "&lt;i&gt;x&lt;/i&gt; &amp; $y$" in page
    assert "$x$ &amp; &lt;b&gt;" in page


def test_two_networks_that_answer_alike_have_no_gallery() -> None:
    pair = Pair(reading(), reading())
    page = render_comparison((NARROW, WIDE), pair, [0], (inside(gates(1)), inside(gates(1))), FACTS)
    assert "They give the same answer to every image." in str(page["compared.html"])
    assert not [name for name in page if name.startswith("disputed")]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_no_text_overlaps_in_the_page(tmp_path: Path) -> None:
    usual = str(made()["compared.html"])
    names = ("一" * 30, "a very long class name indeed", "b" * 100)
    latin = str(made(names, "a run with quite a long name, trial 12345", "max")["compared.html"])
    wide = str(made(names, "文" * 60, "max")["compared.html"])
    pages = [(page, width) for page in (usual, latin, wide) for width in (1400, 400)]
    for seen in measure(pages, tmp_path):
        assert len(seen["figures"]) == usual.count("<figure>")
        assert seen["overlaps"] == []
        assert seen["outside"] == []
        assert seen["wide"] == []
        assert seen["scrolls"] <= 0
