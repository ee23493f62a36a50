"""What was learned about the hyperparameters: which matter, which act together, which do not."""

from typing import Any

import numpy as np

from mnist_seq.config import Range
from mnist_seq.report import wording
from mnist_seq.report.finding import Finding
from mnist_seq.report.importance import LEAST_TRIALS, Importances, weigh
from mnist_seq.report.isolation import isolate
from mnist_seq.report.next_range import choices_override, edges
from mnist_seq.report.noise import spread_by_luck, standard_error
from mnist_seq.report.scales import hyperparameters
from mnist_seq.report.tables import StudyTables

NOTHING = 0.05  # R² on left-out trials up to which the settings explain nothing
LEADS = 0.8  # share of bootstrap samples in which the most important one must lead
DEAD = 0.05  # fall of R² that even the upper end of the interval of a dead one stays below
SAME_LOSS = 0.05  # losses have no binomial error: so close, as a share, counts as the same


def what_matters(tables: StudyTables) -> list[Finding]:
    """Findings on the hyperparameters that matter, or that nothing can be said of any."""
    importances = weigh(tables)
    if importances is None:
        return _too_few_to_weigh(tables)
    if importances.explained <= NOTHING:
        return _nothing_learned(importances)
    return [
        *_leader(importances),
        *_interaction(importances),
        *_edges(tables, importances),
    ]


def dead(tables: StudyTables) -> list[Finding]:
    """Hyperparameters that neither the forest misses nor the best of their values tells apart."""
    importances = weigh(tables)
    if importances is None or importances.explained <= NOTHING:
        return []
    found: list[Finding] = []
    # Children come after their parents in a space that reads downwards, and may speak for them.
    for hyperparameter in reversed(hyperparameters(tables)):
        path = hyperparameter.path
        children = {p for p, dimension in tables.space.items() if path in dimension.when}
        if children - {str(finding.figure["hyperparameter"]) for finding in found}:
            continue
        low, mean, high = importances.interval(path)
        if hyperparameter.distinct < 2 or high >= DEAD or low > 0:
            continue
        parts = isolate(tables, hyperparameter)
        values = [part.value for part in parts]
        spread = max(values) - min(values)
        top = max(values) if tables.maximised else min(values)
        if len(parts) < 2 or spread > _indistinct(tables, float(np.median(values)), len(parts)):
            continue
        best = parts[values.index(top)].number
        kept = tables.scored.set_index("number").loc[best, path]
        cost = f"{mean:.3f}".replace("-", wording.MINUS)
        apart = wording.points(spread) if tables.maximised else wording.plain(spread)
        found.append(
            Finding(
                "dead",
                f"{path} does not matter here: shuffling it costs {cost} of R², at most "
                f"{high:.3f}, and the best of its values lie {apart} apart, which is within their "
                "noise. It can be left out of the search.",
                {
                    "hyperparameter": path,
                    "importance": mean,
                    "low": low,
                    "high": high,
                    "spread": spread,
                },
                _fixed(tables, path, kept),
            )
        )
    return found[::-1]


def _edges(tables: StudyTables, importances: Importances) -> list[Finding]:
    """The edges worth moving: of hyperparameters that have been seen to matter."""
    return [
        finding
        for finding in edges(tables)
        if importances.interval(str(finding.figure["hyperparameter"]))[1] > DEAD
    ]


def _too_few_to_weigh(tables: StudyTables) -> list[Finding]:
    count = len(tables.scored)
    if count >= LEAST_TRIALS:
        return [
            Finding(
                "nothing_learned",
                f"Nothing was learned about the hyperparameters: {wording.many(count, 'trial')} "
                "all had the same value, or the same settings.",
                {"trials": count},
            )
        ]
    return [
        Finding(
            "too_few_trials",
            f"{wording.many(count, 'trial')} with a value: too few to say what any hyperparameter "
            f"does (it takes {LEAST_TRIALS} at the least).",
            {"trials": count},
            # More of the same is no advice where most of it fails.
            f"search.trials={4 * LEAST_TRIALS}" if 2 * count >= len(tables.trials) else None,
        )
    ]


def _nothing_learned(importances: Importances) -> list[Finding]:
    return [
        Finding(
            "nothing_learned",
            "Nothing was learned about the hyperparameters: on trials left out, their settings "
            f"explain {wording.share(max(importances.explained, 0))} of the differences: these may "
            "all be chance, or the trials too few to tell.",
            {"explained": importances.explained},
        )
    ]


def _leader(importances: Importances) -> list[Finding]:
    if len(importances.paths) < 2:
        return []
    path, share = importances.leader
    low, mean, high = importances.interval(path)
    figure: dict[str, float | str] = {
        "hyperparameter": path,
        "leads": share,
        "importance": mean,
        "low": low,
        "high": high,
        "explained": importances.explained,
    }
    if share < LEADS:
        return [
            Finding(
                "too_few_trials",
                f"Too few trials to say which hyperparameter matters most: {path} leads, but only "
                f"in {wording.share(share)} of bootstrap samples of the trials.",
                figure,
            )
        ]
    return [
        Finding(
            "matters_most",
            f"{path} matters most, in {wording.share(share)} of bootstrap samples of the trials: "
            f"shuffling it costs {mean:.2f} of R² (90 % interval {low:.2f} to {high:.2f}).",
            figure,
        )
    ]


def _interaction(importances: Importances) -> list[Finding]:
    for pair in importances.interacting()[:1]:
        low, mean, high = importances.pair_interval(pair)
        if low > 0 and mean > DEAD:
            return [
                Finding(
                    "interaction",
                    f"{pair[0]} and {pair[1]} act together: what is best for one depends on the "
                    f"other ({mean:.2f} of R², 90 % interval {low:.2f} to {high:.2f}).",
                    {"first": pair[0], "second": pair[1], "strength": mean, "low": low},
                )
            ]
    return []


def _indistinct(tables: StudyTables, value: float, count: int) -> float:
    """How far apart that many values near the given one may lie without being told apart."""
    if tables.maximised:
        return spread_by_luck(count, standard_error(value, tables.validation_images))
    return SAME_LOSS * value


def _fixed(tables: StudyTables, path: str, value: Any) -> str | None:
    text = wording.setting(value)
    if isinstance(tables.space[path], Range):
        return f"search.space.{path}.low={text} search.space.{path}.high={text}"
    return choices_override(path, [value])
