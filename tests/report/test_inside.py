"""The pictures of a network's inside, from beliefs and gates made up by hand."""

import base64
import io
import itertools
import re
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mnist_seq.report.drawing import standalone
from mnist_seq.report.inside import activations, answers, beliefs, calibration, maps, rows
from mnist_seq.report.inside.animation import reading_gif
from mnist_seq.report.inside.page import Subject, findings, make
from mnist_seq.report.inside.reading import Gates, Reading
from tests.report.browser import CHROMIUM, measure

NAMES = ("ape", "bee", "cat")
ROWS = 4
# Each image's answer after each row, and how sure it is of it in the end.
STORY = [
    # label, answers, confidence
    (0, [1, 1, 0, 0], 0.9),
    (0, [1, 0, 0, 0], 0.8),
    (1, [1, 1, 1, 1], 0.9),
    (1, [2, 2, 2, 2], 0.7),
    (2, [2, 2, 1, 1], 0.95),
    (2, [1, 1, 1, 2], 0.6),
    (1, [0, 0, 0, 2], 0.5),
    (2, [0, 0, 0, 2], 0.9),
]


def reading(names: tuple[str, ...] = NAMES, size: int = ROWS) -> Reading:
    classes = len(names)
    beliefs_NSK = np.zeros((len(STORY), ROWS, classes), np.float32)
    for n, (_, told, sure) in enumerate(STORY):
        beliefs_NSK[n] = (1 - sure) / (classes - 1)
        beliefs_NSK[n, range(ROWS), told] = sure
    images_NSF = np.random.default_rng(0).integers(0, 256, (len(STORY), ROWS, size), np.uint8)
    labels_N = np.array([label for label, *_ in STORY])
    return Reading(images_NSF, labels_N, beliefs_NSK, names)


def gates(images: int, name: str = "lstm_1") -> Gates:
    draw = np.random.default_rng(1)
    shares = [draw.random((images, ROWS, 6)) for _ in range(3)]
    signed = [2 * draw.random((images, ROWS, 6)) - 1 for _ in range(3)]
    return Gates(name, shares[0], shares[1], signed[0], shares[2], 3 * signed[1], signed[2])


def subject() -> Subject:
    settings = {"model.units": 6, "model.readout": "mean"}
    return Subject("zoo, trial 3", "validation", "asked", "python -m inspect", settings)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is in the heat maps and lines that are drawn, to look at."""
    from matplotlib.figure import Figure

    figures: list[Any] = []
    whole = Figure.savefig

    def savefig(figure: Any, *arguments: Any, **options: Any) -> None:
        figures.append(figure)
        whole(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return figures


# --- numbers


def test_accuracy_after_each_row_is_that_counted_by_hand(drawn: list[Any]) -> None:
    # Right after row 1: images 2, 4; row 2: 1, 2, 4; row 3: 0, 1, 2; row 4: 0, 1, 2, 5, 7.
    expected = [2 / 8, 3 / 8, 3 / 8, 5 / 8]
    assert reading().accuracies.tolist() == expected
    rows.draw(reading(), "asked")
    (axes,) = drawn[0].axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 100 * np.array(expected))
    assert list(axes.lines[0].get_xdata()) == [1, 2, 3, 4]


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
    assert answers.most_confused(np.diag([3, 4])) is None


def test_examples_go_round_the_classes_and_the_wrong_are_sorted_by_confidence() -> None:
    # Right: 0 and 1 (ape), 2 (bee), 5 and 7 (cat). Wrong: 3 at 0.7, 4 at 0.95, 6 at 0.5.
    assert reading().examples(4).tolist() == [0, 2, 5, 1]
    assert reading().examples(99).tolist() == [0, 2, 5, 1, 7, 3, 4, 6]
    assert reading().confidently_wrong(2).tolist() == [4, 3]


def test_the_file_of_results_is_that_written_by_hand() -> None:
    text = answers.results_csv(np.array([1, 0, 2]), np.array([1, 2, 2]), ("a", "b,b", "c"))
    assert text.splitlines() == [
        "index,true_label,predicted_label,result",
        '0,"b,b","b,b",right',
        "1,c,a,wrong",
        "2,c,c,right",
    ]


# --- pictures


def test_probabilities_in_the_picture_are_the_networks_own(drawn: list[Any]) -> None:
    told = reading()
    panel = beliefs.draw(told, 4, "x")
    image, map_ = drawn[0].axes
    np.testing.assert_array_equal(image.images[0].get_array(), told.images_NSF[4])
    np.testing.assert_array_equal(map_.images[0].get_array(), told.beliefs_NSK[4])
    assert [int(x) for x in map_.lines[0].get_xdata()] == [2, 2, 1, 1]
    assert panel.title == "image 4 shows cat, taken for bee"
    assert panel.note == "95 % sure of bee in the end; the answer stays the same from row 3 on."


def test_of_many_classes_the_leading_ones_and_the_true_one_are_shown(drawn: list[Any]) -> None:
    names = tuple(f"class {k}" for k in range(40))
    many = reading(names)
    many.beliefs_NSK[:, :, 20:] += 0.001
    shown = beliefs.leading(many.beliefs_NSK[4], 9)
    assert {1, 2, 9} <= set(shown.tolist())
    assert len(shown) == beliefs.MOST_CLASSES
    assert beliefs.draw(many, 4, "x").note.endswith("28 classes less believed are not shown.")
    answers.draw_confusion(many.confusions, names)
    assert not drawn[-1].axes[0].texts


def test_heat_maps_show_every_unit_once_in_one_order(drawn: list[Any]) -> None:
    made = gates(2)
    activations.draw(made, 1, "inside", "x")
    order_U = activations.by_time(made.state_MSU)
    assert sorted(order_U) == list(range(6))
    values = [
        made.state_MSU, made.memory_MSU, made.input_MSU,
        made.forget_MSU, made.candidate_MSU, made.output_MSU,
    ]  # fmt: skip
    for axes, value_MSU in zip(drawn[0].axes, values, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), value_MSU[1][:, order_U])


def test_units_are_ordered_by_when_they_speak() -> None:
    late, early = np.zeros((2, 1, 8))
    late[0, 6:], early[0, :2] = 0.5, -0.5
    assert activations.by_time(np.stack([late, early], axis=2)).tolist() == [1, 0]


def test_every_count_of_the_confusion_matrix_is_written_in_its_cell(drawn: list[Any]) -> None:
    counts_KK = np.array([[5, 1, 0], [0, 7, 2], [3, 0, 4]])
    answers.draw_confusion(counts_KK, NAMES)
    texts = {t.get_position()[::-1]: int(t.get_text()) for t in drawn[0].axes[0].texts}
    assert texts == {(i, j): counts_KK[i, j] for i, j in np.argwhere(counts_KK)}


def test_calibration_shows_the_bins_and_their_mean_gap(drawn: list[Any]) -> None:
    # Confidences 0.5, 0.6, 0.7 (wrong, right, wrong), 0.8 right, 0.9 three times right, 0.95 wrong;
    # the last four are in one bin of fifteen: (14/15, 1] holds 0.95 alone, (13/15, 14/15] the 0.9.
    panel = calibration.draw(reading())
    gap = (0.5 + 0.4 + 0.7 + 0.2 + 3 * 0.1 + 0.95) / 8
    assert float(re.findall(r"error (\S+) points", panel.note)[0]) == pytest.approx(
        100 * gap, abs=0.006
    )
    points = drawn[0].axes[0].collections[-1].get_offsets()
    np.testing.assert_allclose(points[:, 0], [50, 60, 70, 80, 90, 95], atol=1e-4)
    np.testing.assert_allclose(points[:, 1], [0, 100, 0, 100, 100, 0])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_animation_has_a_frame_for_each_row(count: int) -> None:
    with Image.open(io.BytesIO(reading_gif(reading(), range(count)))) as gif:
        assert getattr(gif, "n_frames", 1) == ROWS
        frames = []
        for frame in range(ROWS):
            gif.seek(frame)
            frames.append(np.asarray(gif.convert("RGB")))
    assert all((a != b).any() for a, b in itertools.pairwise(frames))


def test_names_in_any_script_and_with_dollars_can_be_drawn() -> None:
    names = ("一", "$x$ & <b>", "a very long class name indeed")
    files = make(subject(), reading(names), [0, 1], [gates(2)])
    assert "$x$ &amp; &lt;b&gt;" in str(files["inside.html"])


@pytest.mark.parametrize("rows_", [1, 2, 8, 9, 28, 64])
def test_row_numbers_keep_their_distance(rows_: int) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    maps.row_axis(axes, rows_)
    ticks = [int(tick) + 1 for tick in axes.get_yticks()]
    assert ticks[0] == 1
    assert len(ticks) <= 10
    assert all(b - a >= rows_ / 14 for a, b in itertools.pairwise(ticks))


# --- the page


def test_the_page_needs_nothing_from_outside_and_its_parts_are_files_too() -> None:
    two = [gates(2, "bidirectional_1, downwards"), gates(2, "bidirectional_1, upwards")]
    files = make(subject(), reading(), [0, 2], two)
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


def test_a_picture_by_itself_has_its_namespace() -> None:
    assert 'xmlns="http://www.w3.org/2000/svg"' in standalone("<svg></svg>")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [1400, 400])
def test_no_text_overlaps_in_the_page(width: int, tmp_path: Any) -> None:
    page = str(make(subject(), reading(), [0, 2], [gates(2)])["inside.html"])
    page = re.sub("<figure><img.*?</figure>", "", page)  # it measures drawings, not images
    seen = measure(page, width, tmp_path)
    assert len(seen["figures"]) == page.count("<figure>")
    assert seen["overlaps"] == []
    assert seen["outside"] == []
    assert seen["wide"] == []
    assert seen["scrolls"] <= 0


def test_paper_is_white_in_every_frame() -> None:
    with Image.open(io.BytesIO(reading_gif(reading(), [0, 1]))) as gif:
        for frame in range(ROWS):
            gif.seek(frame)
            assert gif.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
