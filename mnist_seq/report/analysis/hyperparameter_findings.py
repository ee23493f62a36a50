"""Findings on hyperparameters: effects, interactions, values at an edge, little effect."""

import math
from collections.abc import Iterator
from typing import Any

from mnist_seq.config.search import Range
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.effects import SAME, SIGNIFICANT, Effect, effects
from mnist_seq.report.analysis.findings import Finding
from mnist_seq.report.analysis.importance import STRONG, Importances, variance_importance
from mnist_seq.report.analysis.next_range import choices_override, edges
from mnist_seq.report.analysis.study_model import LEAST_TRIALS, comparable, study_model
from mnist_seq.report.analysis.tables import StudyTables

LEADS = 0.8  # share of bootstrap samples in which the most important one must lead
AHEAD = 1.25  # times the second's importance, which is known to some percent only
# Share of the differences between left-out trials from which on the settings are said to explain
# some. Noise came to it in 5 of 60 studies of 8 trials, and in 2 of 60 of 12.
EXPLAINED = 0.25
LITTLE = 0.25  # share of its error by which a hyperparameter of little effect changes it at most


def what_matters(tables: StudyTables) -> Iterator[Finding]:
    """Findings on the hyperparameters that have an effect, or that none was seen to have one."""
    fitted, importances = study_model(tables), variance_importance(tables)
    if fitted is None or importances is None:
        yield _too_few_trials(tables)
        return
    significant = [effect for effect in effects(tables).values() if effect.is_significant]
    if not significant:
        yield from _none_certain(fitted.explained, importances)
        return
    yield from _leader(importances)
    for effect in sorted(significant, key=lambda e: -e.at_best.fall(e.worst, e.best)[1]):
        yield _effect(tables, effect)
    yield from _interaction(importances)
    curves = {effect.hyperparameter.path: effect.at_best.error for effect in significant}
    for edge in edges(tables):
        curve = curves.get(str(edge.numbers["hyperparameter"]))
        if curve is None:
            continue
        # The best trials may lie near an end although the error rises again towards it.
        end = 0 if edge.numbers["side"] == "low" else len(curve) - 1
        if int(curve.argmin()) == end:
            yield edge


def unimportant(tables: StudyTables) -> list[Finding]:
    """Findings on hyperparameters whose values hardly change the error."""
    seen = effects(tables)
    if not any(effect.is_significant for effect in seen.values()):
        return []
    found: dict[str, Finding] = {}
    # Children come after their parents in a space that reads downwards, and may speak for them.
    for path, effect in reversed(seen.items()):
        children = {p for p, dimension in tables.space.items() if path in dimension.when}
        finding = _little_effect(tables, effect)
        if finding is not None and children <= found.keys():
            found[path] = finding
    return list(found.values())[::-1]


def undecided(tables: StudyTables) -> Iterator[Finding]:
    """Finding with bounds on the effects that may be chance, unless nothing was learned."""
    fitted, seen = study_model(tables), effects(tables).values()
    if fitted is None:
        return
    if fitted.explained < EXPLAINED and not any(effect.is_significant for effect in seen):
        return
    little = {finding.numbers["hyperparameter"] for finding in unimportant(tables)}
    bounds: dict[str, float | str] = {}
    texts = []
    for effect in seen:
        path = effect.hyperparameter.path
        if effect.is_significant or path in little:
            continue
        low, _, high = effect.at_best.fall(effect.worst, effect.best)
        worst, best = (_value(effect, k) for k in (effect.worst, effect.best))
        interval = _interval(tables, low, high)
        texts.append(f"{path} {worst} instead of {best} costs {interval}")
        bounds |= {f"{path} low": low, f"{path} high": high}
    if texts:
        yield Finding(
            "undecided",
            "Not sure to be more than chance, all else as in the best trial (90 % intervals): "
            f"{'; '.join(texts)}{' points' if tables.maximised else ''}.",
            bounds,
        )


def _none_certain(explained: float, importances: Importances) -> Iterator[Finding]:
    """Findings where no hyperparameter alone has an effect, though all together may."""
    share = wording.share(max(explained, 0))
    if explained < EXPLAINED:
        yield Finding(
            "nothing_learned",
            "Nothing was learned about the hyperparameters: no two values of any of them differ by "
            f"more than chance. On trials left out, their settings explain {share} of the "
            "differences.",
            {"explained": explained},
        )
        return
    yield Finding(
        "nothing_certain",
        "No two values of any hyperparameter differ by more than chance, though on trials left "
        f"out the settings explain {share} of the differences.",
        {"explained": explained},
    )
    yield from _leader(importances)


def _effect(tables: StudyTables, effect: Effect) -> Finding:
    """The finding that says how the error changes with a hyperparameter."""
    h, response = effect.hyperparameter, effect.at_best
    better = effect.better
    low, fall, high = response.fall(effect.worst, better)
    before, after = (_error(tables, response.error[k]) for k in (effect.worst, better))
    worst, best = (_value(effect, k) for k in (effect.worst, better))
    quantity = "error" if tables.maximised else "loss"
    apart = _with_interval(tables, low, fall, high)
    if h.ordered:
        text = (
            f"from {worst} to {best} the {quantity} falls from {before} to {after}, by {apart}"
            f"{_beyond(tables, effect, better)}."
        )
    else:
        text = (
            f"{best} has the lowest {quantity}, {after}; with {worst} it is {before}"
            f", more by {apart}."
        )
    return Finding(
        "effect",
        f"{h.path}, all else as in the best trial: {text}",
        {
            "hyperparameter": h.path,
            "worse": worst,
            "better": best,
            "before": float(response.error[effect.worst]),
            "after": float(response.error[better]),
            "fall": fall,
            "low": low,
            "high": high,
        },
    )


def _beyond(tables: StudyTables, effect: Effect, knee: int) -> str:
    """What the sentence says of the values on the other side of the best one."""
    response = effect.at_best
    end = len(response.error) - 1 if effect.best >= effect.worst else 0
    if knee == end:
        return ""
    if response.deviations(end, effect.best) > SIGNIFICANT:
        return f"; at {_value(effect, end)} it is {_error(tables, response.error[end])} again"
    if response.error[end] <= (1 + 2 * SAME) * response.error[effect.best]:
        return f"; beyond {_value(effect, knee)} nothing is gained"
    return ""


def _little_effect(tables: StudyTables, effect: Effect) -> Finding | None:
    """The finding that a hyperparameter hardly matters, or None if it may."""
    path, response = effect.hyperparameter.path, effect.at_best
    if response.most_apart(effect.worst, effect.best) > math.log1p(LITTLE):
        return None
    assert tables.best is not None  # else there were no effects
    kept = tables.best.settings[path]
    *_, most = response.fall(effect.worst, effect.best)
    return Finding(
        "little_effect",
        f"{path} makes little difference: at most {_difference(tables, most)} between its "
        "values, all else as in the best trial.",
        {"hyperparameter": path, "most": most},
        None if kept is None else _fixed(tables, path, kept),
    )


def _error(tables: StudyTables, error: float) -> str:
    return f"{100 * error:.2f} %" if tables.maximised else f"{error:.4f}"


def _with_interval(tables: StudyTables, low: float, middle: float, high: float) -> str:
    interval = f"90 % interval {_interval(tables, low, high)}"
    return f"{_difference(tables, middle)} ({interval})"


def _interval(tables: StudyTables, low: float, high: float) -> str:
    ends = (f"{100 * end:.2f}" if tables.maximised else f"{end:.4f}" for end in (low, high))
    return " to ".join(ends).replace("-", wording.MINUS)


def _difference(tables: StudyTables, difference: float) -> str:
    return wording.points(difference) if tables.maximised else f"{difference:.4f}"


def _value(effect: Effect, index: int) -> str:
    return wording.setting(effect.hyperparameter.value(float(effect.positions[index])))


def _too_few_trials(tables: StudyTables) -> Finding:
    scored, count = len(tables.scored), len(comparable(tables))
    if count >= LEAST_TRIALS:
        return Finding(
            "nothing_learned",
            f"Nothing was learned about the hyperparameters: {wording.many(count, 'trial')} "
            "all had the same value, or the same settings.",
            {"trials": count},
        )
    alike = "" if count == scored else ", alike in what is not searched"
    return Finding(
        "too_few_trials",
        f"{wording.many(count, 'trial')} with a value{alike}: too few to say what any "
        f"hyperparameter does (it takes {LEAST_TRIALS} at the least).",
        {"trials": count},
        # More of the same is no advice where most of it fails.
        f"search.trials={4 * LEAST_TRIALS}" if 2 * count >= len(tables.trials) else None,
    )


def _leader(importances: Importances) -> Iterator[Finding]:
    if len(importances.paths) < 2:
        return
    path, share = importances.leader
    low, mean, high = importances.interval(path)
    others = max(importances.interval(other)[1] for other in importances.paths if other != path)
    if share >= LEADS and mean >= AHEAD * others:
        yield Finding(
            "matters_most",
            f"{path} matters most, in {wording.share(share)} of bootstrap samples of the trials: "
            f"{wording.share(mean)} of the variance goes with it (90 % interval "
            f"{wording.share(low)} to {wording.share(high)}).",
            {"hyperparameter": path, "leads": share, "importance": mean, "low": low, "high": high},
        )


def _interaction(importances: Importances) -> Iterator[Finding]:
    for pair in importances.interacting()[:1]:
        low, mean, high = importances.pair_interval(pair)
        if low > STRONG:
            yield Finding(
                "interaction",
                f"{pair[0]} and {pair[1]} act together: what is best for one depends on the other "
                f"({wording.share(mean)} of the variance, 90 % interval {wording.share(low)} to "
                f"{wording.share(high)}).",
                {"first": pair[0], "second": pair[1], "strength": mean, "low": low},
            )


def _fixed(tables: StudyTables, path: str, value: Any) -> str | None:
    """The override that restricts a hyperparameter's search to one value; None if impossible."""
    text = wording.setting(value)
    if isinstance(tables.space[path], Range):
        return f"search.space.{path}.low={text} search.space.{path}.high={text}"
    return choices_override(path, [value])
