"""Findings from the top trials' learning curves: too many or too few epochs, overfitting."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mnist_seq.config.search import Range
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.findings import Finding
from mnist_seq.report.analysis.next_range import top_count, widened
from mnist_seq.report.analysis.tables import StudyTables

MOST = 0.8  # of the top trials must agree
LATE, EARLY = 0.9, 0.25  # shares of a training
FEWEST = 3  # epochs of a curve that shows anything
RISE = 1.1  # of the validation loss over its lowest, that is more than its jitter


def best_epochs(tables: StudyTables) -> Iterator[Finding]:
    """Finding that most top trials had their best epoch very late or very early, if so."""
    tops = _top(tables)
    top = tops[(tops["epochs"] >= FEWEST) & tops["best_epoch"].notna()]
    if len(top) < 3:
        return
    share = top["best_epoch"].to_numpy(float) / top["epochs"].to_numpy(float)
    late, early = float((share > LATE).mean()), float((share <= EARLY).mean())
    part = _part(round(max(late, early) * len(top)), len(top), len(tops))
    longest = int(top["epochs"].max())
    numbers: dict[str, float | str] = {"trials": len(top), "late": late, "early": early}
    if late >= MOST:
        yield Finding(
            "best_epoch_late",
            f"{part} were best at the very end of their training: they were "
            "still improving, and more epochs may help.",
            numbers,
            _epochs_command(tables, longest, 2.0),
        )
    elif early >= MOST:
        yield Finding(
            "best_epoch_early",
            f"{part} were best in the first quarter of their training: the "
            "rest was time lost, and fewer epochs leave time for more trials.",
            numbers,
            _epochs_command(tables, longest, 0.5),
        )


def overfitting(tables: StudyTables) -> Iterator[Finding]:
    """Finding that at least half of the top trials overfit, if so."""
    top, risen, gaps = _top(tables), [], []
    for number in top["number"]:
        curve = tables.curve(int(number))
        if len(curve) < FEWEST:
            continue
        validation = curve["validation_loss"].to_numpy(float)
        training = curve["train_loss"].to_numpy(float)
        lowest = int(np.nanargmin(validation)) if np.isfinite(validation).any() else 0
        gaps.append(float(curve["train_accuracy"].iloc[-1] - curve["validation_accuracy"].iloc[-1]))
        if validation[-1] > RISE * validation[lowest] and training[-1] < training[lowest]:
            risen.append(float(validation[-1] / validation[lowest] - 1))
    seen = len(gaps)
    if seen == 0 or len(risen) < max(1, seen / 2):
        return
    share, rise, gap = len(risen) / seen, float(np.median(risen)), float(np.median(gaps))
    yield Finding(
        "overfitting",
        f"{_part(len(risen), seen, len(top))} overfit: "
        f"{wording.agreeing(len(risen), 'its', 'their')} validation loss ended "
        f"{wording.share(rise)} above its lowest while the training loss went on falling; "
        f"training accuracy ended {wording.points(gap)} above validation.",
        {"trials": seen, "overfit": share, "rise": rise, "gap": gap},
        None if "model.dropout" in tables.space else "model.dropout=0.2",
    )


def _top(tables: StudyTables) -> pd.DataFrame:
    complete = tables.contenders[tables.contenders["state"] == "complete"]
    return complete.head(top_count(len(complete)))


def _part(count: int, of: int, top: int) -> str:
    """Subject of a sentence: `count` of the `of` top trials whose curves are long enough."""
    if top == 1:
        return "The only complete trial"
    # The others are too short to tell.
    long_enough = "" if of == top else f" of at least {FEWEST} epochs"
    if of == 1:
        return f"The only top trial{long_enough}"
    whole = "All" if count == of else f"{count} of the"
    return f"{whole} {wording.many(of, 'top trial')}{long_enough}"


def _epochs_command(tables: StudyTables, longest: int, factor: float) -> str | None:
    dimension = tables.space.get("training.epochs")
    if dimension is None:
        return f"training.epochs={max(1, round(factor * longest))}"
    if factor > 1:
        return widened("training.epochs", dimension, "high")
    if isinstance(dimension, Range) and round(factor * longest) > dimension.low:
        return f"search.space.training.epochs.high={round(factor * longest)}"
    return None
