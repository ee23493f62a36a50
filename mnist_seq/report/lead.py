"""The best trial's lead over the baseline, and whether luck alone explains it."""

from dataclasses import dataclass

import numpy as np

from mnist_seq.report import wording
from mnist_seq.report.finding import Finding
from mnist_seq.report.noise import lead_by_luck, standard_error
from mnist_seq.report.tables import StudyTables


@dataclass(frozen=True)
class Lead:
    """The best trial's accuracy over the baseline's, as fractions.

    `luck` is what the best of as many trials, all as good as the baseline, stays below in 19 of
    20 searches; only the binomial error of the validation images is in it.
    """

    accuracy: float
    error: float
    baseline_accuracy: float
    baseline_error: float
    luck: float

    @property
    def difference(self) -> float:
        return self.accuracy - self.baseline_accuracy

    @property
    def difference_error(self) -> float:
        return float(np.hypot(self.error, self.baseline_error))


def lead(tables: StudyTables) -> Lead | None:
    """The lead over the baseline; None without one to compare with.

    There is none if the baseline is missing, is itself the best, or was pruned: after fewer epochs
    than it was meant to have, it is no yardstick.
    """
    best, baseline = tables.best, tables.baseline
    if best is None or baseline is None or best.number == baseline.number:
        return None
    if best.accuracy is None or baseline.accuracy is None or baseline.state == "pruned":
        return None
    images = tables.validation_images
    error = standard_error(baseline.accuracy, images)
    return Lead(
        best.accuracy,
        standard_error(best.accuracy, images),
        baseline.accuracy,
        error,
        lead_by_luck(max(len(tables.scored) - 1, 1), error),
    )


def against_baseline(tables: StudyTables) -> list[Finding]:
    """The lead in words, beside what as many equal trials would show."""
    if tables.best is not None and tables.baseline is not None and len(tables.scored) > 1:
        if tables.best.number == tables.baseline.number:
            return [
                Finding(
                    "baseline_is_best",
                    "No trial beat the baseline "
                    f"({wording.value(tables.objective, tables.best.value)}).",
                    {"baseline": tables.best.value},
                )
            ]
        if tables.baseline.state == "pruned":
            after = wording.many(tables.baseline.epochs or 0, "epoch")
            return [
                Finding(
                    "baseline_pruned",
                    f"The baseline was pruned after {after}: what it had by then, "
                    f"{wording.value(tables.objective, tables.baseline.value)}, is no yardstick.",
                    {"epochs": tables.baseline.epochs or 0, "baseline": tables.baseline.value},
                )
            ]
        over = lead(tables)
        if over is not None:
            within = over.difference <= over.luck
            verdict = "smaller than its noise" if within else "more than luck explains"
            side = "above" if over.difference >= 0 else "below"
            return [
                Finding(
                    "within_noise" if within else "better_than_baseline",
                    f"The best trial's accuracy is {wording.points(abs(over.difference))} "
                    f"(± {100 * over.difference_error:.2f}) {side} the baseline's, {verdict}: "
                    f"among {wording.many(len(tables.scored) - 1, 'trial')} no better than the "
                    f"baseline, one would lead by up to {wording.points(over.luck)} on "
                    f"{tables.validation_images:,} images.",
                    {
                        "difference": over.difference,
                        "standard_error": over.difference_error,
                        "luck": over.luck,
                    },
                )
            ]
    return []
