"""Compares a study's best configs on the test images: a table, and whether the best won by luck."""

from collections.abc import Sequence
from dataclasses import dataclass

from mnist_seq.driver.scores import Scores, paired_difference
from mnist_seq.report.analysis.wording import listing

CONFIDENCE = 0.95  # of all intervals together


@dataclass(frozen=True)
class RankedConfig:
    """A trial of a study that was trained again.

    Attributes
    ----------
    name : str
        Of the trial's run.
    value : str
        By which the search has compared it, formatted.
    settings : str
        Those in which it differs from the others.
    scores : Scores
        Of its networks on the test images.
    """

    name: str
    value: str
    settings: str
    scores: Scores


def ranking_rows(ranked: Sequence[RankedConfig]) -> list[dict[str, str]]:
    """Rows of a table by heading, the best mean on the test images first.

    Parameters
    ----------
    ranked : sequence of RankedConfig
        In the search's order, the best first; all with the same seeds.
    """
    first, *others = ranked
    against = [""]
    if len(first.scores.accuracies) > 1:
        against += [
            f"{100 * middle:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})"
            for low, middle, high in _differences(first, others)
        ]
    else:
        against += [f"{100 * (each.scores.mean - first.scores.mean):+.2f}" for each in others]
    rows = [
        {
            "trial": each.name,
            "search": each.value,
            "test": each.scores.short,
            f"against {first.name}": difference,
            "settings": each.settings,
        }
        for each, difference in zip(ranked, against, strict=True)
    ]
    by_mean = sorted(range(len(rows)), key=lambda place: -ranked[place].scores.mean)
    return [rows[place] for place in by_mean]


def order_lines(ranked: Sequence[RankedConfig]) -> list[str]:
    """Return sentences: what the intervals are, and whether the search's order held or is luck.

    Parameters
    ----------
    ranked : sequence of RankedConfig
        At least two, in the search's order, the best first; all with the same seeds.
    """
    first, *others = ranked
    means = [each.scores.mean for each in ranked]
    held = (
        f"the search's order {'held' if means == sorted(means, reverse=True) else 'did not hold'}"
    )
    if len(first.scores.accuracies) < 2:
        return [f"{held}; one seed each does not tell this from luck, seeds=5 does"]
    intervals = list(zip(others, _differences(first, others), strict=True))
    ahead = [each.name for each, (low, _, _) in intervals if low > 0]
    within = [each.name for each, (low, _, high) in intervals if low <= 0 <= high]
    if ahead:
        verdict = f"{first.name} is behind {listing(ahead)} by more than luck"
    elif within:
        verdict = f"{first.name} does not differ from {listing(within)} by more than luck"
    else:
        verdict = f"{first.name} is ahead by more than luck"
    interval = (
        "its 95 % interval" if len(others) == 1 else "95 % intervals for all of them together"
    )
    return [
        f"against {first.name}: points on the same seeds, with {interval}",
        f"{held}; {verdict}",
    ]


def _differences(
    first: RankedConfig, others: Sequence[RankedConfig]
) -> list[tuple[float, float, float]]:
    """Each one's paired difference to the first; the intervals hold together (Bonferroni)."""
    confidence = 1 - (1 - CONFIDENCE) / len(others)
    theirs = first.scores
    return [
        paired_difference(each.scores.accuracies, theirs.accuracies, theirs.images, confidence)
        for each in others
    ]
