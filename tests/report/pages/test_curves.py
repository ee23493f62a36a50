"""The picture of a training, read back by its own axes."""

import math
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from mnist_seq.records import EpochRecord
from mnist_seq.report.pages.curves import curves_picture

RECORDS = [
    EpochRecord(
        epoch=epoch,
        train_loss=1 / epoch,
        train_accuracy=1 - 0.5 / epoch,
        validation_loss=loss,
        validation_accuracy=accuracy,
        learning_rate=0.001,
        seconds=1.0,
        images_per_second=1.0,
    )
    for epoch, loss, accuracy in ((1, 0.9, 0.7), (2, 0.4, 0.9), (3, 0.5, 0.95), (4, 0.4, 0.95))
]


class Panel:
    """One of the two, as a reader takes its values from the labels of its axes."""

    def __init__(self, picture: str, name: str) -> None:
        root = ElementTree.fromstring(picture)
        (self._group,) = (group for group in self._all(root, "g") if group.get("class") == name)
        texts = self._all(self._group, "text")
        self.texts = [str(text.text) for text in texts]
        self._x = self._axis([t for t in texts if t.get("class") == "across"][:-1], "x")
        self._y = self._axis([t for t in texts if t.get("class") == "up"], "y")

    def curves(self, part: str) -> list[list[tuple[float, float]]]:
        """Epochs and values of a curve, a list for each piece without a gap."""
        found = []
        for line in self._all(self._group, "polyline"):
            if line.get("class") == part:
                places = [place.split(",") for place in str(line.get("points")).split()]
                found.append([(self._x(float(x)), self._y(float(y))) for x, y in places])
        return found

    @staticmethod
    def _all(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
        return element.findall(f".//{{http://www.w3.org/2000/svg}}{name}")

    @staticmethod
    def _axis(labels: list[ElementTree.Element], along: str) -> np.poly1d:
        places = [float(str(label.get(along))) for label in labels]
        values = [float(str(label.text).removesuffix(" %")) for label in labels]
        if len(values) == 1:  # one epoch: wherever it is, it is that
            return np.poly1d(values)
        middle = 4.5 if along == "y" else 0.0  # a label's line runs below its middle
        return np.poly1d(np.polyfit(np.array(places) - middle, values, 1))


@pytest.mark.parametrize(("name", "scale", "close"), [("loss", 1, 0.003), ("accuracy", 100, 0.05)])
def test_both_panels_show_both_curves(name: str, scale: float, close: float) -> None:
    panel = Panel(curves_picture(RECORDS), name)
    for part in ("train", "validation"):
        (curve,) = panel.curves(part)
        expected = [(r.epoch, scale * getattr(r, f"{part}_{name}")) for r in RECORDS]
        np.testing.assert_allclose(curve, expected, rtol=0, atol=close)


def test_each_panel_marks_its_best_epoch_the_earliest_of_equals() -> None:
    picture = curves_picture(RECORDS)
    assert "best: 0.4000 in epoch 2" in Panel(picture, "loss").texts
    assert "best: 95.00 % in epoch 3" in Panel(picture, "accuracy").texts


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_training_that_went_wrong_can_be_drawn(value: float) -> None:
    wrong = replace(RECORDS[1], validation_loss=value, train_loss=value)
    panel = Panel(curves_picture([RECORDS[0], wrong, *RECORDS[2:]]), "loss")
    epochs = [[round(epoch) for epoch, _ in piece] for piece in panel.curves("validation")]
    assert epochs == [[1], [3, 4]], "where there is no value there is a gap"
    assert "best: 0.4000 in epoch 4" in panel.texts
    alone = Panel(curves_picture([wrong]), "loss")
    assert alone.curves("train") == alone.curves("validation") == []
    assert not any(text.startswith("best") for text in alone.texts)


def test_one_epoch_is_a_dot() -> None:
    picture = curves_picture(RECORDS[:1])
    assert picture.count('class="dot-validation"') == 2, "one in each panel"
    assert Panel(picture, "accuracy").texts.count("1") == 1, "the epoch"


def test_without_an_epoch_there_is_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="no epochs"):
        curves_picture([])
