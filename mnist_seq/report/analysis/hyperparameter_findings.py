"""Findings on hyperparameters: importance, interactions, values at an edge, no effect."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mnist_seq.config import Range
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.chance import spread_by_luck, standard_error
from mnist_seq.report.analysis.findings import Finding
from mnist_seq.report.analysis.hyperparameters import Hyperparameter, hyperparameters
from mnist_seq.report.analysis.importance import LEAST_TRIALS, Importances, permutation_importance
from mnist_seq.report.analysis.isolation import isolate
from mnist_seq.report.analysis.next_range import choices_override, edges
from mnist_seq.report.analysis.tables import StudyTables

NOTHING = 0.05  # R² on left-out trials up to which the settings explain nothing
LEADS = 0.8  # share of bootstrap samples in which the most important one must lead
UNIMPORTANT = 0.05  # fall of R² that the whole interval of an unimportant one stays below
SAME_LOSS = 0.05  # losses have no binomial error: so close, as a share, counts as the same


def what_matters(tables: StudyTables) -> Iterator[Finding]:
    """Findings on the important hyperparameters, or one that the data do not identify any."""
    importances = permutation_importance(tables)
    if importances is None:
        yield _too_few_trials(tables)
    elif importances.explained <= NOTHING:
        yield Finding(
            "nothing_learned",
            "Nothing was learned about the hyperparameters: on trials left out, their settings "
            f"explain {wording.share(max(importances.explained, 0))} of the differences: these may "
            "all be chance, or the trials too few to tell.",
            {"explained": importances.explained},
        )
    else:
        yield from _leader(importances)
        yield from _interaction(importances)
        for edge in edges(tables):
            if importances.interval(str(edge.numbers["hyperparameter"]))[1] > UNIMPORTANT:
                yield edge


def unimportant(tables: StudyTables) -> list[Finding]:
    """Findings on hyperparameters that have no measurable effect on the objective."""
    importances = permutation_importance(tables)
    if importances is None or importances.explained <= NOTHING:
        return []
    found: dict[str, Finding] = {}
    # Children come after their parents in a space that reads downwards, and may speak for them.
    for hyperparameter in reversed(hyperparameters(tables)):
        path = hyperparameter.path
        children = {p for p, dimension in tables.space.items() if path in dimension.when}
        finding = _no_effect(tables, hyperparameter, *importances.interval(path))
        if finding is not None and children <= found.keys():
            found[path] = finding
    return list(found.values())[::-1]


def _no_effect(
    tables: StudyTables, hyperparameter: Hyperparameter, low: float, mean: float, high: float
) -> Finding | None:
    """The finding that a hyperparameter has no measurable effect, or None if it may have one."""
    if hyperparameter.distinct < 2 or high >= UNIMPORTANT or low > 0:
        return None
    path, parts = hyperparameter.path, isolate(tables, hyperparameter)
    values = [part.value for part in parts]
    spread = max(values) - min(values)
    if len(parts) < 2:
        return None
    middle = float(np.median(values))
    noise = SAME_LOSS * middle
    if tables.maximised:
        noise = spread_by_luck(len(parts), standard_error(middle, tables.validation_images))
    if spread > noise:
        return None
    best = parts[values.index(max(values) if tables.maximised else min(values))]
    kept = tables.scored.set_index("number").loc[best.number, path]
    cost = f"{mean:.3f}".replace("-", wording.MINUS)
    apart = wording.points(spread) if tables.maximised else wording.setting(spread)
    return Finding(
        "no_effect",
        f"{path} does not matter here: shuffling it costs {cost} of R², at most "
        f"{high:.3f}, and the best of its values lie {apart} apart, which is within their "
        "noise. It can be left out of the search.",
        {"hyperparameter": path, "importance": mean, "low": low, "high": high, "spread": spread},
        _fixed(tables, path, kept),
    )


def _too_few_trials(tables: StudyTables) -> Finding:
    count = len(tables.scored)
    if count >= LEAST_TRIALS:
        return Finding(
            "nothing_learned",
            f"Nothing was learned about the hyperparameters: {wording.many(count, 'trial')} "
            "all had the same value, or the same settings.",
            {"trials": count},
        )
    return Finding(
        "too_few_trials",
        f"{wording.many(count, 'trial')} with a value: too few to say what any hyperparameter "
        f"does (it takes {LEAST_TRIALS} at the least).",
        {"trials": count},
        # More of the same is no advice where most of it fails.
        f"search.trials={4 * LEAST_TRIALS}" if 2 * count >= len(tables.trials) else None,
    )


def _leader(importances: Importances) -> Iterator[Finding]:
    if len(importances.paths) < 2:
        return
    path, share = importances.leader
    low, mean, high = importances.interval(path)
    numbers: dict[str, float | str] = {"hyperparameter": path, "leads": share, "importance": mean}
    numbers |= {"low": low, "high": high, "explained": importances.explained}
    if share < LEADS:
        yield Finding(
            "too_few_trials",
            f"Too few trials to say which hyperparameter matters most: {path} leads, but only "
            f"in {wording.share(share)} of bootstrap samples of the trials.",
            numbers,
        )
    else:
        yield Finding(
            "matters_most",
            f"{path} matters most, in {wording.share(share)} of bootstrap samples of the trials: "
            f"shuffling it costs {mean:.2f} of R² (90 % interval {low:.2f} to {high:.2f}).",
            numbers,
        )


def _interaction(importances: Importances) -> Iterator[Finding]:
    for pair in importances.interacting()[:1]:
        low, mean, high = importances.pair_interval(pair)
        if low > 0 and mean > UNIMPORTANT:
            yield Finding(
                "interaction",
                f"{pair[0]} and {pair[1]} act together: what is best for one depends on the "
                f"other ({mean:.2f} of R², 90 % interval {low:.2f} to {high:.2f}).",
                {"first": pair[0], "second": pair[1], "strength": mean, "low": low},
            )


def _fixed(tables: StudyTables, path: str, value: Any) -> str | None:
    """The override that restricts a hyperparameter's search to one value; None if impossible."""
    text = wording.setting(value)
    if isinstance(tables.space[path], Range):
        return f"search.space.{path}.low={text} search.space.{path}.high={text}"
    return choices_override(path, [value])
