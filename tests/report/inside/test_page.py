"""The page about a network, and the files that go with it."""

import base64
import io
import re
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from mnist_seq.config.settings import Scalar
from mnist_seq.report.inside.answers import most_confused
from mnist_seq.report.inside.page import findings, render_inspection
from mnist_seq.report.inside.reading import Reading
from mnist_seq.report.inside.subject import Subject
from tests.report.browser import CHROMIUM, measure
from tests.report.inside.networks import NAMES, gates, reading


def subject() -> Subject:
    settings: dict[str, Scalar] = {"model.units": 6, "model.readout": "mean"}
    return Subject("zoo, trial 3", "validation", "asked", "python -m inspect", settings)


def test_findings_are_three_sentences_with_the_numbers() -> None:
    assert findings(reading()) == [
        "after 2 of 4 rows 37.50 % of the answers are right, after all 62.50 %",
        "90 % of that accuracy is reached after row 4",
        "bee and cat are confused most: 3 mistakes among 6 images of the two",
    ]


def test_without_mistakes_nothing_is_confused() -> None:
    told = reading()
    right = Reading(told.images_NSF, told.predicted, told.beliefs_NSK, NAMES)
    assert findings(right)[2] == "no image is taken for another class"
    assert most_confused(np.diag([3, 4])) is None


def test_names_in_any_script_and_with_dollars_can_be_drawn() -> None:
    names = ("一", "$x$ & <b>", "a very long class name indeed")
    files = render_inspection(subject(), reading(names), [0, 1], [gates(2)])
    assert "$x$ &amp; &lt;b&gt;" in str(files["inside.html"])


def test_the_page_needs_nothing_from_outside_and_its_parts_are_files_too() -> None:
    two = [gates(2, "bidirectional_1, downwards"), gates(2, "bidirectional_1, upwards")]
    files = render_inspection(subject(), reading(), [0, 2], two)
    page = str(files["inside.html"])
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "<script" not in page
    embedded = re.search(r"data:image/gif;base64,([^\"]+)", page)
    assert embedded
    assert base64.b64decode(embedded.group(1)) == files["reading.gif"]
    pictures = {name for name in files if name.endswith(".svg")}
    assert pictures == {
        "accuracy_by_row.svg", "calibration.svg", "confusion.svg", "image_0.svg", "image_2.svg",
        "image_0_bidirectional_1_downwards.svg", "image_0_bidirectional_1_upwards.svg",
        "image_2_bidirectional_1_downwards.svg", "image_2_bidirectional_1_upwards.svg",
        "wrong_3.svg", "wrong_4.svg",
    }  # fmt: skip
    for name in pictures:
        assert ET.fromstring(str(files[name])).tag == "{http://www.w3.org/2000/svg}svg"
    table = pd.read_csv(io.StringIO(str(files["accuracy_by_row.csv"])))
    assert table["row"].tolist() == [1, 2, 3, 4]
    assert table["accuracy"].tolist() == reading().accuracies.tolist()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_no_text_overlaps_in_the_page(tmp_path: Any) -> None:
    page = str(render_inspection(subject(), reading(), [0, 2], [gates(2)])["inside.html"])
    page = re.sub("<figure><img.*?</figure>", "", page)  # it measures drawings, not images
    for seen in measure([(page, 1400), (page, 400)], tmp_path):
        assert len(seen["figures"]) == page.count("<figure>")
        assert seen["overlaps"] == []
        assert seen["outside"] == []
        assert seen["wide"] == []
        assert seen["scrolls"] <= 0
