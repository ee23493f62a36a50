import math
import sys
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from mnist_seq.records import EpochRecord
from mnist_seq.report.curves import curves_picture

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


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are drawn, to look at what is in them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figures: list[Any] = []
    whole = FigureCanvasAgg.print_png

    def print_png(canvas: Any, file: Any) -> None:
        figures.append(canvas.figure)
        whole(canvas, file)

    monkeypatch.setattr(FigureCanvasAgg, "print_png", print_png)
    return figures


def test_both_panels_show_both_curves(drawn: list[Any]) -> None:
    curves_picture(RECORDS)
    for axes, name in zip(drawn[0].axes, ("loss", "accuracy"), strict=True):
        curves = {line.get_label(): line for line in axes.lines}
        for part in ("train", "validation"):
            epochs, values = curves[part].get_data()
            assert list(epochs) == [1, 2, 3, 4]
            assert list(values) == [getattr(record, f"{part}_{name}") for record in RECORDS]


def test_each_panel_marks_its_best_epoch_the_earliest_of_equals(drawn: list[Any]) -> None:
    curves_picture(RECORDS)
    labels = [axes.get_legend_handles_labels()[1] for axes in drawn[0].axes]
    assert labels[0][2] == "best: 0.4000 in epoch 2"
    assert labels[1][2] == "best: 95.00 % in epoch 3"


def test_the_picture_is_a_png_with_ink_on_it() -> None:
    from matplotlib.image import imread

    pixels = imread(BytesIO(curves_picture(RECORDS)))
    assert pixels.shape[0] < pixels.shape[1]
    assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 10


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_training_that_went_wrong_can_be_drawn(value: float, drawn: list[Any]) -> None:
    wrong = replace(RECORDS[3], validation_loss=value, train_loss=value)
    curves_picture([*RECORDS[:3], wrong])
    curves_picture([wrong])
    assert "best: 0.4000 in epoch 2" in drawn[0].axes[0].get_legend_handles_labels()[1]
    assert len(drawn[1].axes[0].get_legend_handles_labels()[1]) == 2  # no best


def test_without_an_epoch_there_is_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="no epochs"):
        curves_picture([])


def test_nothing_is_left_behind_in_pyplot() -> None:
    curves_picture(RECORDS)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
