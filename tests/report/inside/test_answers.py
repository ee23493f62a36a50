from typing import Any

import numpy as np

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


def test_every_count_of_the_confusion_matrix_is_written_in_its_cell(drawn: list[Any]) -> None:
    counts_KK = np.array([[5, 1, 0], [0, 7, 2], [3, 0, 4]])
    draw_confusion(counts_KK, NAMES)
    texts = {t.get_position()[::-1]: int(t.get_text()) for t in drawn[0].axes[0].texts}
    assert texts == {(i, j): counts_KK[i, j] for i, j in np.argwhere(counts_KK)}
