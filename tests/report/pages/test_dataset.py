"""The page about a dataset: its pictures are the images, its names are text."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mnist_seq.data.overview import overview
from mnist_seq.report.figures.contact_sheet import contact_sheet
from mnist_seq.report.pages.dataset import MOST_CLASSES, render
from tests.examples import few


def shown(address: str) -> np.ndarray:
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))


def test_each_picture_is_an_image_of_its_class() -> None:
    split = few().train
    sheet = list(contact_sheet(split, 11, 3))
    assert [len(pictures) for pictures in sheet] == [3] * 10 + [0], "of the eleventh there is none"
    for label, pictures in enumerate(sheet[:10]):
        of_class = split.images_NSF[split.labels_N == label]
        places = [0, len(of_class) // 3, 2 * len(of_class) // 3]
        for place, picture in zip(places, pictures, strict=True):
            np.testing.assert_array_equal(255 - shown(picture), of_class[place])


@pytest.mark.parametrize(
    ("hidden", "said"), [(1, "1 more class is not shown."), (2, "2 more classes are not shown.")]
)
def test_classes_that_are_not_shown_are_counted(hidden: int, said: str) -> None:
    data = few()
    names = tuple(map(str, range(MOST_CLASSES + hidden)))
    data = replace(data, test=data.validation, class_names=names)
    assert said in render(data, overview(data), 1, "python -m experiments.data")


def test_names_are_text() -> None:
    data = few()
    names = ("<b>0</b>", "ક", "\u202e2", *data.class_names[3:])
    data = replace(data, test=data.validation, class_names=names, warnings=("<i>",))
    page = render(data, overview(data), 2, "python -m experiments.data")
    assert "&lt;b&gt;0&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "ક" in page
    assert "\u202e" not in page, "it would turn the letters after it round"
