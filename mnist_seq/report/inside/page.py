"""HTML page about one network: accuracy by row, mistakes, calibration, gates."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mnist_seq import metrics
from mnist_seq.report.analysis import wording
from mnist_seq.report.figures.drawing import Panel, standalone
from mnist_seq.report.inside.accuracy import draw_accuracy_by_row, draw_calibration
from mnist_seq.report.inside.animation import reading_gif
from mnist_seq.report.inside.answers import draw_confusion, most_confused, results_csv
from mnist_seq.report.inside.reading import Gates, Reading
from mnist_seq.report.inside.single_image import draw_activations, draw_beliefs
from mnist_seq.report.pages.frame import fill


@dataclass(frozen=True)
class Subject:
    """Texts that say which network and images a page is about and how it was made.

    Attributes
    ----------
    network : str
        The study and the run.
    part : str
        Which images: validation or test.
    how : str
        How an answer comes about after some of the rows.
    command : str
        What makes the page again.
    """

    network: str
    part: str
    how: str
    command: str
    settings: Mapping[str, object]


def make(
    subject: Subject, reading: Reading, shown: Sequence[int], gates: Sequence[Gates]
) -> dict[str, str | bytes]:
    """Build the page and its data files; return contents by file name (``inside.html``, ...).

    Parameters
    ----------
    shown : sequence of int
        Places of the images that are shown one by one.
    gates : sequence of Gates
        Of the images shown, a layer (and direction) each; the topmost is drawn.
    """
    top = gates[-2:] if gates[-1].name.endswith("upwards") else gates[-1:]
    singles: dict[str, Panel] = {}
    for number, place in enumerate(shown):
        singles[f"image_{place}"] = draw_beliefs(reading, place, f"image-{place}")
        for lstm in top:
            name = f"image_{place}_{lstm.name.replace(', ', '_')}"
            title = f"image {place}, {lstm.name}"
            singles[name] = draw_activations(lstm, number, title, name.replace("_", "-"))
    wrong = {
        f"wrong_{place}": draw_beliefs(reading, int(place), f"wrong-{place}")
        for place in reading.confidently_wrong(len(shown))
    }
    pictures = {
        "accuracy_by_row": draw_accuracy_by_row(reading, subject.how),
        "confusion": draw_confusion(reading.confusions, reading.class_names),
        "calibration": draw_calibration(reading),
    }
    gif = reading_gif(reading, shown)
    said = "; ".join(findings(reading))
    rows = pd.RangeIndex(1, reading.rows + 1, name="row")
    by_row = pd.Series(reading.accuracies, rows, name="accuracy")
    page = fill(
        "inside.html",
        title=f"{subject.network}: inside",
        subject=subject,
        images=wording.many(len(reading.labels_N), f"{subject.part} image"),
        said=said[0].upper() + said[1:],
        gif=base64.b64encode(gif).decode(),
        singles=list(singles.values()),
        wrong=list(wrong.values()) or [Panel("", None, "Every answer is right.")],
        classes=_class_scores(reading),
        settings={name: wording.setting(value) for name, value in subject.settings.items()},
        **pictures,
    )
    return {
        "inside.html": str(page),
        "results.csv": results_csv(reading.predicted, reading.labels_N, reading.class_names),
        "accuracy_by_row.csv": by_row.to_csv(lineterminator="\n"),
        "reading.gif": gif,
        **{
            f"{name}.svg": standalone(panel.picture)
            for name, panel in (pictures | singles | wrong).items()
            if panel.picture is not None
        },
    }


def findings(reading: Reading) -> list[str]:
    """Three findings as text: accuracy halfway, first row with 90 % of it, most confused pair."""
    half = max(1, reading.rows // 2)
    shares = [wording.value("validation_accuracy", share) for share in reading.accuracies]
    confused = "no image is taken for another class"
    pair = most_confused(reading.confusions)
    if pair is not None:
        first, second, mistakes = pair
        of_both = int(reading.confusions[[first, second]].sum())
        confused = (
            f"{reading.class_names[first]} and {reading.class_names[second]} are confused most: "
            f"{wording.many(mistakes, 'mistake')} among {of_both:,} images of the two"
        )
    return [
        f"after {half} of {reading.rows} rows {shares[half - 1]} of the answers are right, "
        f"after all {shares[-1]}",
        f"90 % of that accuracy is reached after row {reading.first_row_with(0.9)}",
        confused,
    ]


def _class_scores(reading: Reading) -> list[tuple[str, ...]]:
    """One table row per class: name, image count, and precision, recall and F1 in percent."""
    scores = metrics.class_scores(reading.predicted, reading.labels_N, len(reading.class_names))
    columns = [
        [f"{100 * share:.2f}" for share in column_K]
        for column_K in (scores.precision_K, scores.recall_K, scores.f1_K)
    ]
    counts = [f"{count:,}" for count in scores.images_K]
    return list(zip(reading.class_names, counts, *columns, strict=True))
