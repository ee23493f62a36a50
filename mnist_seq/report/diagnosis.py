"""What a study says, in words, each with the numbers behind it.

A search always has a winner, so most of this is about what the winner does not show: whether it
leads by more than luck, whether anything explains the lead, whether better lies outside.
"""

from mnist_seq.report import wording
from mnist_seq.report.finding import Finding
from mnist_seq.report.history import expected_best
from mnist_seq.report.importance import LEAST_TRIALS
from mnist_seq.report.lead import against_baseline
from mnist_seq.report.noise import standard_error
from mnist_seq.report.tables import StudyTables
from mnist_seq.report.training_signs import best_epochs, overfitting
from mnist_seq.report.what_matters import dead, what_matters

SUMMARY_LINES = 8


def diagnose(tables: StudyTables) -> list[Finding]:
    """All findings, the ones that change what the others mean first."""
    return _without_repeats(
        [
            *against_baseline(tables),
            *what_matters(tables),
            *best_epochs(tables),
            *overfitting(tables),
            *_still_gaining(tables),
            *dead(tables),
            *_failed(tables),
            *_pruned(tables),
        ]
    )


def summary_lines(tables: StudyTables) -> list[str]:
    """The diagnosis as a handful of lines for a terminal."""
    return [
        f"{finding.text}{f' Try {finding.command}' if finding.command else ''}"
        for finding in diagnose(tables)[:SUMMARY_LINES]
    ]


def _failed(tables: StudyTables) -> list[Finding]:
    failed, total = tables.count("failed"), len(tables.trials)
    if not failed:
        return []
    rows = tables.trials[tables.trials["state"] == "failed"]
    reasons = rows["reason"].dropna().astype(str).value_counts()
    common = wording.shortened(str(reasons.index[0]), 80) if len(reasons) else "unknown"
    return [
        Finding(
            "failed",
            f"{failed} of {wording.many(total, 'trial')} failed ({wording.share(failed / total)}); "
            f"the most common reason: {common}.",
            {"failed": failed / total, "reason": common},
        )
    ]


def _pruned(tables: StudyTables) -> list[Finding]:
    pruned, complete, total = tables.count("pruned"), tables.count("complete"), len(tables.trials)
    if not pruned:
        return []
    fate = f"{complete} ran to their end" if complete else "none ran to its end"
    return [
        Finding(
            "pruned",
            f"{pruned} of {wording.many(total, 'trial')} were pruned "
            f"({wording.share(pruned / total)}); {fate}.",
            {"pruned": pruned / total},
        )
    ]


def _still_gaining(tables: StudyTables) -> list[Finding]:
    """Whether a random half of the trials would have found a clearly worse best."""
    values = tables.contenders["value"].to_numpy(float)
    if len(values) < 2 * LEAST_TRIALS or tables.best is None or not tables.maximised:
        return []
    half = float(expected_best(values)[len(values) // 2 - 1])
    error = standard_error(tables.best.value, tables.validation_images)
    if tables.best.value - half <= error:
        return []
    return [
        Finding(
            "still_gaining",
            f"More trials may find better: half as many would have found "
            f"{wording.value(tables.objective, half)} on average, "
            f"{wording.points(tables.best.value - half)} less.",
            {"half": half, "best": tables.best.value},
            f"search.trials={2 * len(tables.trials)}",
        )
    ]


def _without_repeats(found: list[Finding]) -> list[Finding]:
    """The findings, with a command that an earlier one gave left out of later ones."""
    given: set[str] = set()
    kept = []
    for finding in found:
        repeated = finding.command is not None and finding.command in given
        given.add(finding.command or "")
        kept.append(Finding(finding.kind, finding.text, finding.figure) if repeated else finding)
    return kept
