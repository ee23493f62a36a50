"""What a comparison of two networks, A and B, has shown, in words."""

from collections.abc import Mapping

from mnist_seq.config.settings import Scalar, scalar_text
from mnist_seq.errors import in_one_line
from mnist_seq.report.analysis import wording
from mnist_seq.report.inside.accuracy import NEARLY
from mnist_seq.report.inside.pair import BOTH_WRONG, ONLY_A, ONLY_B, Pair
from mnist_seq.report.inside.subject import Subject

MOST_SETTINGS = 4  # a sentence names no more
MOST_LETTERS = 20  # of a name beside a line; beyond ASCII they may be twice as wide
SMALLEST = 0.0001


def differing_settings(
    a: Mapping[str, Scalar], b: Mapping[str, Scalar]
) -> dict[str, tuple[str, str]]:
    """Values of both networks, as texts, by the path of each setting in which they differ."""
    return {
        path: _told_apart(a.get(path), b.get(path))
        for path in dict.fromkeys([*a, *b])
        if a.get(path) != b.get(path)
    }


def _told_apart(a: Scalar, b: Scalar) -> tuple[str, str]:
    short, whole = (
        (in_one_line(scalar_text(a, digits)), in_one_line(scalar_text(b, digits)))
        for digits in (3, None)
    )
    return short if short[0] != short[1] else whole


def short_names(a: Subject, b: Subject) -> tuple[str, str]:
    """Names for the lines in a figure: the one setting that differs, else which runs they are."""
    differing = differing_settings(a.settings, b.settings)
    told = a.network, b.network
    if len(differing) == 1:
        ((path, (of_a, of_b)),) = differing.items()
        setting = path.rpartition(".")[2]
        told = f"{setting}={of_a}", f"{setting}={of_b}"
    of_a, of_b = (
        wording.shortened(text, MOST_LETTERS if text.isascii() else MOST_LETTERS // 2)
        for text in told
    )
    return f"A: {of_a}", f"B: {of_b}"


def pair_findings(a: Subject, b: Subject, pair: Pair) -> list[str]:
    """Four findings as text: settings, accuracies and luck, images in dispute, rows needed."""
    rows = [f"row {reading.first_row_with(NEARLY)}" for reading in (pair.a, pair.b)]
    return [
        _settings(differing_settings(a.settings, b.settings)),
        accuracy_finding(pair),
        _disputed(pair),
        f"90 % of its own accuracy is reached by A after {rows[0]}, by B after {rows[1]}",
    ]


def _settings(differing: Mapping[str, tuple[str, str]]) -> str:
    if not differing:
        return "A and B have the same settings"
    told = [f"{path} ({a} in A, {b} in B)" for path, (a, b) in differing.items()]
    rest = len(told) - MOST_SETTINGS
    if rest > 0:
        told = [*told[:MOST_SETTINGS], f"{wording.many(rest, 'setting')} more"]
    return f"A and B differ in {wording.listing(told)}"


def accuracy_finding(pair: Pair) -> str:
    """Say which of the two has the higher validation accuracy, and whether that may be luck."""
    of_a, of_b = (
        wording.value("validation_accuracy", reading.accuracies[-1]) for reading in (pair.a, pair.b)
    )
    told = f"validation accuracy is {of_a} with A, {of_b} with B"
    discordant = pair.count(ONLY_A) + pair.count(ONLY_B)
    if not discordant:
        return f"{told}: both are right about the same images"
    test = mcnemar_text(discordant, pair.p_value)
    if not pair.difference:
        return f"{told}: neither leads ({test})"
    better = "B" if pair.difference > 0 else "A"
    verdict = "more than luck" if pair.is_significant else "which may be luck"
    return f"{told}: {better} leads by {wording.points(abs(pair.difference))}, {verdict} ({test})"


def mcnemar_text(discordant: int, p_value: float) -> str:
    """Name the test of two networks, how many images it had and what it gave."""
    p = f"p < {SMALLEST}" if p_value < SMALLEST else f"p = {float(f'{p_value:.2g}'):g}"
    images = wording.many(discordant, "image")
    return f"McNemar's exact test on the {images} that only one of them has right, {p}"


def _disputed(pair: Pair) -> str:
    disputed = int(pair.is_disputed.sum())
    wrong = pair.count(BOTH_WRONG)
    otherwise = disputed - pair.count(ONLY_A) - pair.count(ONLY_B)
    if not disputed:
        return f"A and B give the same answer to all of {wording.many(pair.images, 'image')}"
    return (
        f"they answer {disputed:,} of {wording.many(pair.images, 'image')} differently: only A is "
        f"right about {pair.count(ONLY_A):,}, only B about {pair.count(ONLY_B):,}, both are wrong "
        f"in their own way about {otherwise:,}; about {wrong - otherwise:,} more both are wrong "
        "alike"
    )
