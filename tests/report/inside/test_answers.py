import csv
import io
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from mnist_seq.report.figures.style import standalone
from mnist_seq.report.inside.answers import draw_confusion, results_csv
from tests.report.inside.networks import NAMES


def test_the_file_of_results_is_that_written_by_hand() -> None:
    text = results_csv(np.array([1, 0, 2]), np.array([1, 2, 2]), ("a", "b,b", "c"))
    assert text.splitlines() == [
        "index,true_label,predicted_label,result",
        '0,"b,b","b,b",right',
        "1,c,a,wrong",
        "2,c,c,right",
    ]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-a", "'-a"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\\t=1"),
        ("\r=1", "'\\r=1"),
        ("a\rb\x1b[31m", "a\\rb\\x1b[31m"),
        ("-1.5", "-1.5"),
        ("+2e3", "+2e3"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_no_class_name_is_a_formula_and_numbers_stay_numbers(name: str, cell: str) -> None:
    text = results_csv(np.array([0]), np.array([1]), (name, "other"))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[1] == ["0", "other", cell, "wrong"]


@pytest.mark.parametrize(
    "name", ["a\0b", "\x1b[31mred", "\x08\x0c", "</text><script>", "\ufffe", "&"]
)
def test_a_picture_with_any_class_name_is_xml(name: str) -> None:
    panel = draw_confusion(np.array([[5, 1], [0, 7]]), (name, "other"))
    root = ElementTree.fromstring(standalone(str(panel.picture)))
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert "text" in kinds
    assert "script" not in kinds


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (0, "0 of 12 images are taken for something else; "),
        (1, "1 of 13 images is taken for something else; "),
        (2, "2 of 14 images are taken for something else; "),
    ],
)
def test_mistakes_are_counted_beside_the_matrix(wrong: int, said: str) -> None:
    counts_KK = np.array([[5, wrong], [0, 7]])
    assert draw_confusion(counts_KK, ("a", "b")).note.startswith(said)


def test_every_count_of_the_confusion_matrix_is_written_in_its_cell(drawn: list[Any]) -> None:
    counts_KK = np.array([[5, 1, 0], [0, 7, 2], [3, 0, 4]])
    draw_confusion(counts_KK, NAMES)
    texts = {t.get_position()[::-1]: int(t.get_text()) for t in drawn[0].axes[0].texts}
    assert texts == {(i, j): counts_KK[i, j] for i, j in np.argwhere(counts_KK)}
