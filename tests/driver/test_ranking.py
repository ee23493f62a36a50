"""The table of trials that were trained again, and the verdict on the search's order."""

import pytest
from scipy.stats import ttest_rel

from mnist_seq.driver.ranking import RankedConfig, order_lines, ranking_rows
from mnist_seq.driver.scores import Scores

FIRST = [0.990, 0.991, 0.989, 0.992, 0.988]  # mean 99.00


def ranked(name: str, accuracies: list[float]) -> RankedConfig:
    return RankedConfig(
        name, f"9{name[-1]} %", f"units={name[-1]}", Scores(accuracies, 0.99, 10_000)
    )


def shifted(*thousandths: float) -> list[float]:
    """The first trial's scores and what another has more with each seed."""
    return [score + more / 1000 for score, more in zip(FIRST, thousandths, strict=True)]


def test_the_table_is_sorted_by_the_test_images_and_compares_with_the_searchs_best() -> None:
    second, third = shifted(-2, -1, -3, -2, -2), shifted(1, 3, 2, 1, 1.5)
    rows = ranking_rows(
        [ranked("trial 7", FIRST), ranked("trial 2", second), ranked("trial 4", third)]
    )
    assert [row["trial"] for row in rows] == ["trial 4", "trial 7", "trial 2"]
    assert [row["search"] for row in rows] == ["94 %", "97 %", "92 %"]
    assert [row["settings"] for row in rows] == ["units=4", "units=7", "units=2"]
    assert rows[1]["test"] == "99.00 ± 0.16 %"  # 1, 2, 0, 3, -1 thousandths around 1: sqrt(2.5)
    assert rows[1]["against trial 7"] == ""
    # Two intervals that hold together with 95 % are of 97.5 % each.
    for row, scores in ((rows[0], third), (rows[2], second)):
        theirs = ttest_rel(scores, FIRST).confidence_interval(0.975)
        ends = f"({100 * theirs.low:+.2f} to {100 * theirs.high:+.2f})"
        assert row["against trial 7"].endswith(ends)
    assert rows[2]["against trial 7"].startswith("-0.20 ")


def test_with_one_seed_there_is_a_difference_and_no_interval() -> None:
    rows = ranking_rows([ranked("trial 7", [0.99]), ranked("trial 2", [0.992])])
    assert [row["against trial 7"] for row in rows] == ["+0.20", ""]
    (line,) = order_lines([ranked("trial 7", [0.99]), ranked("trial 2", [0.992])])
    assert line.startswith("the search's order did not hold; one seed each does not tell")


CLEARLY_WORSE, SLIGHTLY_WORSE = shifted(-2, -1, -3, -2, -2), shifted(-2, 1, -1, 2, -1)
SLIGHTLY_BETTER, CLEARLY_BETTER = shifted(2, -1, 1, -2, 1), shifted(2, 1, 3, 2, 2)


@pytest.mark.parametrize(
    ("second", "third", "verdict"),
    [
        (CLEARLY_WORSE, shifted(-4, -3, -5, -4, -4), "held; trial 7 is ahead by more than luck"),
        (
            SLIGHTLY_WORSE,
            CLEARLY_WORSE,
            "held; trial 7 does not differ from trial 2 by more than luck",
        ),
        (
            SLIGHTLY_BETTER,
            SLIGHTLY_WORSE,
            "did not hold; trial 7 does not differ from trial 2 and trial 4 by more than luck",
        ),
        (
            SLIGHTLY_WORSE,
            CLEARLY_BETTER,
            "did not hold; trial 7 is behind trial 4 by more than luck",
        ),
        (
            shifted(-4, -3, -5, -4, -4),
            CLEARLY_WORSE,
            "did not hold; trial 7 is ahead by more than luck",
        ),
    ],
)
def test_the_verdict_on_the_searchs_order(
    second: list[float], third: list[float], verdict: str
) -> None:
    trials = [ranked("trial 7", FIRST), ranked("trial 2", second), ranked("trial 4", third)]
    what, told = order_lines(trials)
    assert what.endswith("with 95 % intervals for all of them together")
    assert told == f"the search's order {verdict}"


def test_a_difference_that_is_more_than_luck_alone_may_be_luck_among_many() -> None:
    # Student's t with 4 degrees of freedom: 2.776 at 95 %, 4.604 at 99 %, in every printed table.
    # Mean 2, standard deviation sqrt(2), so t is 3.16; five intervals together are of 99 % each.
    better = shifted(1, 4, 1, 3, 1)
    alone = order_lines([ranked("trial 7", FIRST), ranked("trial 2", better)])
    assert alone[1].endswith("trial 7 is behind trial 2 by more than luck")
    assert alone[0].endswith("with its 95 % interval")
    others = [ranked(f"trial {n}", CLEARLY_WORSE) for n in range(4)]
    among = order_lines([ranked("trial 7", FIRST), ranked("trial 2", better), *others])
    assert "does not differ from trial 2 by more than luck" in among[1]
