"""HTML page about one network: accuracy by row, mistakes, calibration, gates."""

import base64
from collections.abc import Sequence

from mnist_seq.metrics import classification
from mnist_seq.report.analysis import wording
from mnist_seq.report.figures.style import Panel, picture_files
from mnist_seq.report.inside.accuracy import (
    accuracies_csv,
    draw_accuracy_by_row,
    draw_calibration,
)
from mnist_seq.report.inside.animation import reading_gif
from mnist_seq.report.inside.answers import draw_confusion, most_confused, results_csv
from mnist_seq.report.inside.reading import Gates, Reading, topmost
from mnist_seq.report.inside.single_image import draw_activations, draw_beliefs
from mnist_seq.report.inside.subject import Subject
from mnist_seq.report.pages.frame import fill


def render_inspection(
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
    singles: dict[str, Panel] = {}
    for number, place in enumerate(shown):
        singles[f"image_{place}"] = draw_beliefs(reading, place, f"image-{place}")
        for lstm in topmost(gates):
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
        "accuracy_by_row.csv": accuracies_csv({"accuracy": reading}),
        "reading.gif": gif,
        **picture_files(pictures | singles | wrong),
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
            f"{wording.many(mistakes, 'mistake')} among "
            f"{wording.many(of_both, 'image')} of the two"
        )
    return [
        f"after {half} of {reading.rows} rows {shares[half - 1]} of the answers are right, "
        f"after all {shares[-1]}",
        f"90 % of that accuracy is reached after row {reading.first_row_with(0.9)}",
        confused,
    ]


def _class_scores(reading: Reading) -> list[tuple[str, ...]]:
    """One table row per class: name, image count, and precision, recall and F1 in percent."""
    scores = classification.class_scores(
        reading.predicted, reading.labels_N, len(reading.class_names)
    )
    columns = [
        [f"{100 * share:.2f}" for share in column_K]
        for column_K in (scores.precision_K, scores.recall_K, scores.f1_K)
    ]
    counts = [f"{count:,}" for count in scores.images_K]
    return list(zip(reading.class_names, counts, *columns, strict=True))
