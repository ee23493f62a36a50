"""HTML page that compares two networks, A and B: accuracies, images in dispute, gates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mnist_seq.report.analysis import wording
from mnist_seq.report.figures.style import Panel, picture_files
from mnist_seq.report.inside.accuracy import accuracies_csv, draw_both_accuracies
from mnist_seq.report.inside.answers import pair_results_csv
from mnist_seq.report.inside.gallery import gallery
from mnist_seq.report.inside.gate_means import GateMeans, draw_gate_means
from mnist_seq.report.inside.pair import Pair
from mnist_seq.report.inside.pair_findings import (
    differing_settings,
    pair_findings,
    short_names,
)
from mnist_seq.report.inside.reading import Gates
from mnist_seq.report.inside.single_image import draw_activations, draw_beliefs, memory_reach
from mnist_seq.report.inside.subject import Subject
from mnist_seq.report.pages.frame import fill

MOST_DISPUTED = 12  # images in the gallery


@dataclass(frozen=True)
class Inside:
    """The topmost LSTM of a network: gates of a single image, means over many.

    Attributes
    ----------
    gates : sequence of Gates
        Of one image; a layer, or both directions of one.
    means : sequence of GateMeans
        The same layer or directions.
    """

    gates: Sequence[Gates]
    means: Sequence[GateMeans]


def render_comparison(
    subjects: tuple[Subject, Subject],
    pair: Pair,
    shown: Sequence[int],
    insides: tuple[Inside, Inside],
    facts: Mapping[str, str],
) -> dict[str, str | bytes]:
    """Build the page and its data files; return contents by file name (``compared.html``, ...).

    Parameters
    ----------
    subjects : (Subject, Subject)
        What A and B are; the command is that of A.
    shown : sequence of int
        Places of the images that are shown one by one, at least one.
    insides : (Inside, Inside)
        The gates of A and B for the first of the images shown.
    facts : mapping
        What else is needed to do it again.
    """
    a, b = subjects
    names = short_names(a, b)
    exhibits = gallery(pair, [int(place) for place in pair.disputed(MOST_DISPUTED)])
    accuracies = draw_both_accuracies(pair, names, (a.how, b.how))
    beliefs = _beliefs(pair, shown)
    means = draw_gate_means(insides[0].means, insides[1].means, names)
    activations = _activations(insides, shown[0])
    differing = differing_settings(a.settings, b.settings)
    settings, lead, *rest = (f"{line[0].upper()}{line[1:]}." for line in pair_findings(a, b, pair))
    page = fill(
        "compared.html",
        title=f"{a.network} against {b.network}: inside",
        subjects=subjects,
        images=wording.many(pair.images, f"{a.part} image"),
        lead=lead,
        said=[settings, *rest],
        differing=differing,
        accuracies=accuracies,
        exhibits=exhibits,
        disputed=wording.many(int(pair.is_disputed.sum()), "image"),
        beliefs=list(beliefs.values()),
        place=shown[0],
        means=means,
        activations=list(activations.values()),
        command=a.command,
        facts=facts,
    )
    pictures = {"accuracy_by_row": accuracies, "gate_means": means}
    single = {f"disputed_{each.place}": each.panel for each in exhibits}
    return {
        "compared.html": str(page),
        "results.csv": pair_results_csv(pair),
        "accuracy_by_row.csv": accuracies_csv({"accuracy_a": pair.a, "accuracy_b": pair.b}),
        **picture_files(pictures | single | beliefs | activations),
    }


def _beliefs(pair: Pair, shown: Sequence[int]) -> dict[str, Panel]:
    """What both networks believe of each image after each row, A first."""
    return {
        f"image_{place}_{network}": _titled(
            f"{network.upper()}, ", draw_beliefs(reading, place, f"image-{place}-{network}")
        )
        for place in shown
        for network, reading in (("a", pair.a), ("b", pair.b))
    }


def _activations(insides: tuple[Inside, Inside], place: int) -> dict[str, Panel]:
    """Gates and states of both networks for one image, in the same colours."""
    reach = max(memory_reach(gates, 0) for inside in insides for gates in inside.gates)
    panels = {}
    for network, inside in zip(("a", "b"), insides, strict=True):
        for gates in inside.gates:
            name = f"image_{place}_{network}_{gates.name.replace(', ', '_')}"
            title = f"{network.upper()}, image {place}, {gates.name}"
            panels[name] = draw_activations(gates, 0, title, name.replace("_", "-"), reach=reach)
    return panels


def _titled(prefix: str, panel: Panel) -> Panel:
    return Panel(f"{prefix}{panel.title}", panel.picture, panel.note)
