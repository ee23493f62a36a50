"""What studies say beside each other: whose best leads, what differs, what matters in each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from mnist_seq.config.search import Choices, Dimension, Range
from mnist_seq.config.settings import Config, Scalar, scalar_text
from mnist_seq.config.validation import settings
from mnist_seq.errors import in_one_line
from mnist_seq.metrics.classification import accuracy_standard_error
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.chance import Lead, lead_by_luck
from mnist_seq.report.analysis.effects import effects
from mnist_seq.report.analysis.hyperparameter_findings import unimportant, what_matters
from mnist_seq.report.analysis.study_model import study_model
from mnist_seq.report.analysis.tables import StudyTables, TrialSummary

EXACT = 15  # digits: as many as every float has
MOST_NAMED = 5  # differences in a sentence
CHANCE = "No two values differ by more than chance."
NOT_NAMED = {"data_digest"}  # the parts' own digests and the settings say in what


@dataclass(frozen=True, eq=False)
class ComparedStudy:
    """One of the studies that are compared.

    Attributes
    ----------
    letter : str
        A, B, ...: what sentences call it.
    tables : StudyTables
        Its trials that have ended.
    search : mapping
        How it was searched: sampler, seed, ..., by name.
    digests : mapping
        By which the images of its best trial are known: ``validation`` and other parts.
    """

    letter: str
    tables: StudyTables
    search: Mapping[str, Scalar]
    digests: Mapping[str, str]

    @cached_property
    def best(self) -> TrialSummary | None:
        """The best trial, if its accuracy is known."""
        best = self.tables.best
        return None if best is None or best.accuracy is None else best

    @property
    def accuracy(self) -> float:
        """Validation accuracy of the best trial; there must be one."""
        assert self.best is not None
        assert self.best.accuracy is not None
        return self.best.accuracy

    @property
    def error(self) -> float:
        """Binomial standard error of `accuracy`."""
        return accuracy_standard_error(self.accuracy, self.tables.validation_images)

    @cached_property
    def sayings(self) -> dict[str, str]:
        """What the study says of each hyperparameter that it searched, by path."""
        seen = effects(self.tables)
        known = {
            str(finding.numbers["hyperparameter"]): finding.text
            for finding in (*what_matters(self.tables), *unimportant(self.tables))
            if finding.kind in {"effect", "little_effect"}
        }
        few = "Too few trials to say." if study_model(self.tables) is None else None
        return {
            path: _without_path(known[path], path)
            if path in known
            else few or (CHANCE if path in seen else "All trials had the same value.")
            for path in self.tables.space
        }


def findings(studies: Sequence[ComparedStudy]) -> list[str]:
    """Sentences on objectives, images, bests and luck, and what differs; the leads first."""
    return [
        *leads(studies),
        *_without_value(studies),
        *_other_images(studies),
        *_objectives(studies),
        _differences(studies),
    ]


def leads(studies: Sequence[ComparedStudy]) -> Iterator[str]:
    """Sentences on which of the studies with the same validation images leads, and by how much.

    The luck is that of all trials but the other's: were they all as good as the other's best, and
    that measured once, the best of them would lead by so much 1 time in 20.
    """
    for group in same_images(studies):
        rated = sorted((s for s in group if s.best), key=lambda s: s.accuracy, reverse=True)
        for other in rated[1:]:
            trials = sum(len(study.tables.scored) for study in rated if study is not other)
            yield _lead(rated[0], other, trials)


def same_images(studies: Sequence[ComparedStudy]) -> list[list[ComparedStudy]]:
    """The studies in groups whose bests were measured on the same validation images, as known."""
    groups: dict[str, list[ComparedStudy]] = {}
    for study in studies:
        digest = study.digests.get("validation")
        # An earlier version noted one digest of all data; what has none is like nothing else.
        known = digest or study.digests.get("data") or study.letter
        groups.setdefault(known, []).append(study)
    return list(groups.values())


def _lead(first: ComparedStudy, other: ComparedStudy, trials: int) -> str:
    assert first.best is not None
    assert other.best is not None
    over = Lead(
        first.accuracy, first.error, other.accuracy, other.error, lead_by_luck(trials, other.error)
    )
    best = f"{first.letter}'s best, trial {first.best.number} with {_percent(over.accuracy)}"
    rival = f"{other.letter}'s, trial {other.best.number} with {_percent(over.baseline_accuracy)}"
    if not over.difference:
        return f"{best}, is as good as {rival}."
    verdict = "more than luck explains" if over.difference > over.luck else "which may be luck"
    return (
        f"{best}, is {wording.points(over.difference)} (± {100 * over.difference_error:.2f}) above "
        f"{rival}, {verdict}: among {wording.many(trials, 'trial')} no better than that, one would "
        f"lead by up to {wording.points(over.luck)} on "
        f"{wording.many(other.tables.validation_images, 'validation image')}."
    )


def _without_value(studies: Sequence[ComparedStudy]) -> Iterator[str]:
    for study in studies:
        if study.best is None:
            yield f"{study.letter} has no trial with a value."


def _other_images(studies: Sequence[ComparedStudy]) -> Iterator[str]:
    groups = same_images(studies)
    if len(groups) > 1:
        first, *others = (wording.listing([s.letter for s in group]) for group in groups)
        named = "".join(f", others in {letters}" for letters in others)
        yield (
            f"The validation images are not all the same: some in {first}{named}. Where they are "
            "others, no best is called better than another."
        )


def _objectives(studies: Sequence[ComparedStudy]) -> Iterator[str]:
    by_objective: dict[str, list[str]] = {}
    for study in studies:
        by_objective.setdefault(study.tables.objective, []).append(study.letter)
    told = [
        f"{objective.replace('_', ' ')} in {wording.listing(letters)}"
        for objective, letters in by_objective.items()
    ]
    if len(told) > 1:
        yield (
            f"The objectives differ: {'; '.join(told)}. Accuracies are compared, each in the epoch "
            "that is best by its study's own objective."
        )
    elif "validation_loss" in by_objective:
        yield "All were searched for validation loss; what is compared here are accuracies."


def _differences(studies: Sequence[ComparedStudy]) -> str:
    named = [name for name in differing(studies) if name not in NOT_NAMED]
    if not named:
        return "Settings, space, data, code and libraries are the same."
    rest = len(named) - MOST_NAMED
    told = [*named[:MOST_NAMED], f"{rest} more"] if rest > 0 else named
    return f"They differ in {wording.listing(told)}."


def differing(studies: Sequence[ComparedStudy]) -> dict[str, list[str]]:
    """What differs between the studies: texts, one a study, by setting or fact.

    Settings come first, each with its value or its range; then how was searched, the digests of the
    images, code, machine and libraries.
    """
    rows = {path: _told_apart([_value(s, path) for s in studies]) for path in settings(Config)}
    for name in dict.fromkeys(name for s in studies for name in s.search):
        rows[name] = _told_apart([s.search.get(name) for s in studies])
    facts = [_facts(study) for study in studies]
    for name in dict.fromkeys(name for known in facts for name in known):
        rows[name] = [known.get(name, "not noted") for known in facts]
    return {name: texts for name, texts in rows.items() if len(set(texts)) > 1}


def _facts(study: ComparedStudy) -> dict[str, str]:
    parts = {f"{p} images": digest for p, digest in study.digests.items() if p != "data"}
    return parts | {name: text for name, text in study.tables.facts.items() if name != "seed"}


def shared(studies: Sequence[ComparedStudy]) -> list[str]:
    """Paths of the hyperparameters that at least two of the studies have searched."""
    pairs = combinations(studies, 2)
    both = {path for a, b in pairs for path in a.tables.space.keys() & b.tables.space.keys()}
    return [
        path for path in dict.fromkeys(p for s in studies for p in s.tables.space) if path in both
    ]


def said(studies: Sequence[ComparedStudy]) -> dict[str, list[str]]:
    """What each study says of the hyperparameters that several have searched, by path."""
    return {
        path: [
            study.sayings.get(path, f"Not searched: {_text(_value(study, path), 3)}.")
            for study in studies
        ]
        for path in shared(studies)
    }


def _value(study: ComparedStudy, path: str) -> Scalar | Dimension:
    """A setting's value in all trials of a study, or the dimension that was searched."""
    tables = study.tables
    if path in tables.unsearched:
        return "not the same in all trials"
    return tables.space.get(path, tables.fixed.get(path))


def _told_apart(values: Sequence[Scalar | Dimension]) -> list[str]:
    """Values as texts: numbers short, unless values that differ would look alike."""
    short, whole = ([_text(value, digits) for value in values] for digits in (3, EXACT))
    return whole if len(set(whole)) > len(set(short)) else short


def _text(value: Scalar | Dimension, digits: int) -> str:
    if isinstance(value, Range | Choices):
        return f"{wording.dimension(value, digits)} {wording.condition(value)}".strip()
    return in_one_line(scalar_text(value, digits))


def _percent(accuracy: float) -> str:
    return wording.value("validation_accuracy", accuracy)


def _without_path(text: str, path: str) -> str:
    """Drop the hyperparameter's path from a sentence that stands under it as its heading."""
    rest = text.removeprefix(path).removeprefix(", all else as in the best trial:").strip()
    return f"{rest[:1].upper()}{rest[1:]}"
