import numpy as np
import pytest

from mnist_seq.report.analysis import wording


def test_names_too_long_for_a_tick_still_differ() -> None:
    first, second = (wording.shortened(f"a rather long name of choice {n}", 12) for n in (1, 2))
    assert len(first) == len(second) == 12
    assert first != second


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (True, "true"),
        (np.bool_(False), "false"),
        (None, "null"),
        (28.0, "28"),
        (0.0021412, "0.00214"),
        ("mean", "mean"),
    ],
)
def test_settings_are_written_as_in_yaml(cell: object, text: str) -> None:
    assert wording.setting(cell) == text
