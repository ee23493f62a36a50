import itertools

import pytest

from mnist_seq.report.inside import maps


@pytest.mark.parametrize("rows_", [1, 2, 8, 9, 28, 64])
def test_row_numbers_keep_their_distance(rows_: int) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    maps.row_axis(axes, rows_)
    ticks = [int(tick) + 1 for tick in axes.get_yticks()]
    assert ticks[0] == 1
    assert len(ticks) <= 10
    assert all(b - a >= rows_ / 14 for a, b in itertools.pairwise(ticks))
