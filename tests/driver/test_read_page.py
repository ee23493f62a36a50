"""What a network says of neighbours decides whether they are one character."""

import numpy as np
import pytest

from mnist_seq.data.page.layout import find_characters
from mnist_seq.driver.read_page import most_probable
from mnist_seq.report.characters.answers import Answer, Candidate
from tests.data.page.test_layout import drawn
from tests.data.page.test_parts import BAR, HOOKS


@pytest.mark.parametrize(("probability", "count"), [(0.9, 5), (0.1, 6)])
def test_the_network_says_whether_two_parts_are_one(probability: float, count: int) -> None:
    marks = find_characters(drawn(*HOOKS, BAR))

    def read(images_NSF: np.ndarray) -> list[Answer]:
        # Columns with ink, halved in MNIST's form: a hook has 10, a bar 2, both together 12.
        widths = [int((image_SF > 100).any(axis=0).sum()) for image_SF in images_NSF]
        shares = [probability if width == 12 else 0.7 for width in widths]
        names = [str(width) for width in widths]
        return [
            Answer((Candidate(name, share),), is_sure=True)
            for name, share in zip(names, shares, strict=True)
        ]

    (line,), answers = most_probable(marks, read, 28)
    assert len(line) == len(answers) == count
    assert [answer.label for answer in answers][:2] == ["10", "12" if count == 5 else "10"]
