"""One page about one network: how it reads, where it errs, how sure it is. Opens offline."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from mnist_seq.report import wording
from mnist_seq.report.document import Part, document, section, text
from mnist_seq.report.drawing import Panel, standalone
from mnist_seq.report.inside import activations, answers, beliefs, calibration, rows
from mnist_seq.report.inside.animation import reading_gif
from mnist_seq.report.inside.reading import Gates, Reading


@dataclass(frozen=True)
class Subject:
    """What is looked at, in words.

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
    settings : mapping
        Of the network.
    """

    network: str
    part: str
    how: str
    command: str
    settings: Mapping[str, object]


def make(
    subject: Subject, reading: Reading, shown: Sequence[int], gates: Sequence[Gates]
) -> dict[str, str | bytes]:
    """The page and all that is in it, as files by name; the page is ``inside.html``.

    Parameters
    ----------
    reading : Reading
        All images of a part.
    shown : sequence of int
        Places of those that are shown one by one.
    gates : sequence of Gates
        Of the images shown, a layer (and direction) each; the topmost is drawn.
    """
    by_row = rows.draw(reading, subject.how)
    top = gates[-2:] if gates[-1].name.endswith("upwards") else gates[-1:]
    singles: dict[str, Panel] = {}
    for number, place in enumerate(shown):
        singles[f"image_{place}"] = beliefs.draw(reading, place, f"image-{place}")
        for lstm in top:
            name = f"image_{place}_{lstm.name.replace(', ', '_')}"
            title = f"image {place}, {lstm.name}"
            singles[name] = activations.draw(lstm, number, title, name.replace("_", "-"))
    wrong = {
        f"wrong_{place}": beliefs.draw(reading, place, f"wrong-{place}")
        for place in (int(place) for place in reading.confidently_wrong(len(shown)))
    }
    confusion = answers.draw_confusion(reading.confusions, reading.class_names)
    calibrated = calibration.draw(reading)
    gif = reading_gif(reading, shown)
    body = "".join(
        [
            _header(subject, reading),
            section(Part("Row by row", "What the first rows alone are good for.", [by_row])),
            _animated(gif),
            section(
                Part(
                    "Single images",
                    "An image, and in the line of each row what is believed once it is read: "
                    "darker is surer, the dot is the answer, the true class is orange. Then the "
                    "topmost LSTM at the same rows, a column a unit: orange is above zero, blue "
                    "below; a gate is the darker the more it lets by.",
                    list(singles.values()),
                )
            ),
            section(
                Part(
                    "Most confidently wrong",
                    "Where the network errs and is surest of it.",
                    list(wrong.values()) or [Panel("", None, "Every answer is right.")],
                )
            ),
            section(Part("What is taken for what", "Lines true, columns answered.", [confusion])),
            '<section><div><h2>Each class</h2><p class="about">Precision: how many of such answers '
            "are right. Recall: how many of such images are found.</p></div><div>"
            f"{answers.class_table(reading.predicted, reading.labels_N, reading.class_names)}"
            "</div></section>",
            section(Part("How sure, how right", "Reliability diagram.", [calibrated])),
            _again(subject),
        ]
    )
    pictures = {"accuracy_by_row": by_row, "confusion": confusion, "calibration": calibrated}
    return {
        "inside.html": document(f"{subject.network}: inside", body),
        "results.csv": answers.results_csv(
            reading.predicted, reading.labels_N, reading.class_names
        ),
        "accuracy_by_row.csv": _by_row(reading),
        "reading.gif": gif,
        **{
            f"{name}.svg": standalone(panel.picture)
            for name, panel in (pictures | singles | wrong).items()
            if panel.picture is not None
        },
    }


def findings(reading: Reading) -> list[str]:
    """What the page says, in three sentences."""
    half = max(1, reading.rows // 2)
    shares = [wording.value("validation_accuracy", share) for share in reading.accuracies]
    after_half = (
        f"after {half} of {reading.rows} rows {shares[half - 1]} of the answers are right, "
        f"after all {shares[-1]}"
    )
    near = f"90 % of that accuracy is reached after row {reading.first_row_with(0.9)}"
    pair = answers.most_confused(reading.confusions)
    if pair is None:
        return [after_half, near, "no image is taken for another class"]
    first, second, mistakes = pair
    one, other = reading.class_names[first], reading.class_names[second]
    of_both = int(reading.confusions[[first, second]].sum())
    return [
        after_half,
        near,
        f"{one} and {other} are confused most: {wording.many(mistakes, 'mistake')} among "
        f"{of_both:,} images of the two",
    ]


def _header(subject: Subject, reading: Reading) -> str:
    said = "; ".join(findings(reading))
    images = wording.many(len(reading.labels_N), f"{subject.part} image")
    return (
        f'<header><p class="eyebrow">Inside a network that reads {images}</p>'
        f"<h1>{escape(subject.network)}</h1>"
        f'<p class="lede">{text(said[0].upper() + said[1:])}.</p></header>'
    )


def _animated(gif: bytes) -> str:
    data = base64.b64encode(gif).decode()
    return (
        '<section><div><h2>In motion</h2><p class="about">Pale rows are still unread. The dark bar '
        "is the answer so far, orange where it is wrong; the true class is in bold.</p></div>"
        '<figure><img alt="images being read" '
        f'src="data:image/gif;base64,{data}"></figure></section>'
    )


def _again(subject: Subject) -> str:
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(wording.setting(value))}</td></tr>'
        for name, value in subject.settings.items()
    )
    return (
        '<section class="wide"><h2>How to do it again</h2>'
        f"<pre>{escape(subject.command)}</pre><table><tbody>{cells}</tbody></table></section>"
    )


def _by_row(reading: Reading) -> str:
    table = pd.DataFrame({"accuracy": reading.accuracies})
    table.index = pd.RangeIndex(1, reading.rows + 1, name="row")
    return table.to_csv(lineterminator="\n")
