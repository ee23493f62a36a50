"""The `Finding` class and findings on the whole study: baseline, failures, pruning."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mnist_seq.metrics.classification import accuracy_standard_error
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.chance import Lead, expected_best, lead
from mnist_seq.report.analysis.study_model import LEAST_TRIALS
from mnist_seq.report.analysis.tables import StudyTables


@dataclass(frozen=True)
class Finding:
    """One finding: a sentence, the numbers behind it and overrides to try next.

    Attributes
    ----------
    kind : str
        What it is about, for programs: ``edge``, ``nothing_learned``, ...
    text : str
        Plain text, one or two sentences, numbers included.
    numbers : dict
        By name; accuracies and shares are fractions.
    command : str or None
        Overrides for the command line of the next sweep.
    """

    kind: str
    text: str
    numbers: dict[str, float | str] = field(default_factory=dict)
    command: str | None = None


def against_baseline(tables: StudyTables) -> Iterator[Finding]:
    """Finding on whether the best trial beats the baseline by more than chance."""
    best, baseline = tables.best, tables.baseline
    if best is None or baseline is None or len(tables.scored) < 2:
        return
    reached = wording.value(tables.objective, baseline.value)
    over = lead(tables)
    if best.number == baseline.number:
        text = f"No trial beat the baseline ({reached})."
        yield Finding("baseline_is_best", text, {"baseline": baseline.value})
    elif baseline.state == "pruned":
        epochs = baseline.epochs or 0
        yield Finding(
            "baseline_pruned",
            f"The baseline was pruned after {wording.many(epochs, 'epoch')}: what it had by then, "
            f"{reached}, is no yardstick.",
            {"epochs": epochs, "baseline": baseline.value},
        )
    elif over is not None:
        yield _lead(tables, over)


def _lead(tables: StudyTables, over: Lead) -> Finding:
    numbers: dict[str, float | str] = {
        "difference": over.difference,
        "standard_error": over.difference_error,
        "luck": over.luck,
    }
    side = "above" if over.difference >= 0 else "below"
    text = (
        f"The best trial's accuracy is {wording.points(abs(over.difference))} "
        f"(± {100 * over.difference_error:.2f}) {side} the baseline's"
    )
    if over.difference < -over.luck:  # only where a loss is minimised
        text += ", more than luck explains: it is best by its loss alone."
        return Finding("less_accurate_than_baseline", text, numbers)
    within = over.difference <= over.luck
    verdict = "smaller than its noise" if within else "more than luck explains"
    return Finding(
        "within_noise" if within else "better_than_baseline",
        f"{text}, {verdict}: among {wording.many(len(tables.scored) - 1, 'trial')} no better than "
        f"the baseline, one would lead by up to {wording.points(over.luck)} on "
        f"{wording.many(tables.validation_images, 'image')}.",
        numbers,
    )


def still_gaining(tables: StudyTables) -> Iterator[Finding]:
    """Finding that half as many trials would have reached a clearly worse best, if so."""
    values = tables.contenders["value"].to_numpy(float)
    if len(values) < 2 * LEAST_TRIALS or tables.best is None or not tables.maximised:
        return
    half = float(expected_best(values)[len(values) // 2 - 1])
    gain = tables.best.value - half
    if gain > accuracy_standard_error(tables.best.value, tables.validation_images):
        yield Finding(
            "still_gaining",
            f"More trials may find better: half as many would have found "
            f"{wording.value(tables.objective, half)} on average, {wording.points(gain)} less.",
            {"half": half, "best": tables.best.value},
            f"search.trials={2 * len(tables.trials)}",
        )


def failures(tables: StudyTables) -> Iterator[Finding]:
    """Finding on the share of failed trials and their most common reason, if any failed."""
    failed, total = tables.count("failed"), len(tables.trials)
    if failed:
        rows = tables.trials[tables.trials["state"] == "failed"]
        reasons = rows["reason"].dropna().astype(str).value_counts()
        common = wording.shortened(str(reasons.index[0]), 80) if len(reasons) else "unknown"
        yield Finding(
            "failed",
            f"{failed} of {wording.many(total, 'trial')} failed ({wording.share(failed / total)}); "
            f"the most common reason: {common}.",
            {"failed": failed / total, "reason": common},
        )


def infeasible_trials(tables: StudyTables) -> Iterator[Finding]:
    """Finding on the share of trials that broke a limit, and on the limits, if any did."""
    beyond, total = tables.count("infeasible"), len(tables.trials)
    if beyond:
        reasons = tables.trials["reason"][tables.trials["state"] == "infeasible"].astype(str)
        counts = reasons.str.partition(":")[0].value_counts()
        limits = [f"{count} beyond search.limits.{limit}" for limit, count in counts.items()]
        yield Finding(
            "infeasible",
            f"{beyond} of {wording.many(total, 'trial')} "
            f"{wording.agreeing(beyond, 'was', 'were')} infeasible "
            f"({wording.share(beyond / total)}): {wording.listing(limits)}.",
            {"infeasible": beyond / total},
        )


def prunings(tables: StudyTables) -> Iterator[Finding]:
    """Finding on the share of pruned trials, if any were pruned."""
    pruned, complete, total = tables.count("pruned"), tables.count("complete"), len(tables.trials)
    if pruned:
        end = wording.agreeing(complete, "its end", "their end")
        fate = f"{complete} ran to {end}" if complete else "none ran to its end"
        yield Finding(
            "pruned",
            f"{pruned} of {wording.many(total, 'trial')} "
            f"{wording.agreeing(pruned, 'was', 'were')} pruned "
            f"({wording.share(pruned / total)}); {fate}.",
            {"pruned": pruned / total},
        )
