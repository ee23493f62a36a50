"""Find the characters on a page and read them with the network of an earlier run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.commands import PredictConfig
from mnist_seq.data.images.form import placed
from mnist_seq.data.images.picture import BadImageError
from mnist_seq.data.page.layout import Character, find_characters
from mnist_seq.data.page.parts import best_spans, joined, spans
from mnist_seq.data.page.scan import Scan, read_scan
from mnist_seq.driver.character_reader import CharacterReader, find_reader, say_unsure
from mnist_seq.driver.checkpoints import check_writable, write_atomically
from mnist_seq.driver.workspace import Workspace, file_name
from mnist_seq.errors import DataError
from mnist_seq.report.analysis import wording
from mnist_seq.report.characters.answers import Answer, answers_frame
from mnist_seq.report.characters.drawing import drawn_page
from mnist_seq.report.export.files import csv_file
from mnist_seq.terminal.display import say
from mnist_seq.terminal.summary import print_files


@dataclass(frozen=True)
class ReadPage:
    """What a network has read on a page.

    Attributes
    ----------
    lines : sequence of sequences of Character
        From top to bottom, and from left to right.
    answers : sequence of Answer
        One for each character, in this order.
    text : str
        The same as lines and words.
    files : mapping of str to Path
        By what they are.
    """

    reader: CharacterReader
    scan: Scan
    lines: Sequence[Sequence[Character]]
    answers: Sequence[Answer]
    text: str
    files: dict[str, Path]


def read_page(config: PredictConfig, page: Path) -> ReadPage:
    """Read a page, print its text, and write text, table and the page with boxes.

    Raises
    ------
    DataError
        If the file is no usable image, or has no characters.
    TrackingError
        If there is no such run, or its network cannot read such images.
    StoreError
        If a file cannot be written; the text has been printed.
    """
    workspace = Workspace(config.tracking)
    reader = find_reader(workspace, config)
    folder = Path(config.folder) if config.folder else workspace.folder / "reports"
    name = file_name(f"{page.stem}-read", reader.run.id)
    kinds = {"text": "txt", "table": "csv", "page with boxes": "png"}
    files = {kind: folder / f"{name}.{ending}" for kind, ending in kinds.items()}
    for file in files.values():
        check_writable(file)
    scan, marks = _characters(page, config)
    reader.say_what_it_is()
    lines, answers = most_probable(
        marks, lambda images_NSF: reader.read(images_NSF, config.confidence), reader.size
    )
    characters = [each for line in lines for each in line]
    _say_what_was_found(scan, lines)
    text = _text(lines, answers, reader.class_names)
    for line in text.splitlines():
        say(f"  {line}")
    say_unsure(answers, config.confidence)
    contents = text.encode(), _table(lines, answers), drawn_page(scan.grey_HW, characters, answers)
    for file, content in zip(files.values(), contents, strict=True):
        write_atomically(file, content)
    print_files({kind: file.resolve() for kind, file in files.items()})
    return ReadPage(reader, scan, lines, answers, text, files)


def most_probable(
    marks: Sequence[Sequence[Character]],
    read: Callable[[NDArray[np.uint8]], Sequence[Answer]],
    size: int,
) -> tuple[list[list[Character]], list[Answer]]:
    """Characters of each line and the answers to all, where neighbours may be parts of one.

    Parameters
    ----------
    marks : sequence of sequences of Character
        What has been found on the page, by line.
    read : callable
        Gives an answer to each image of MNIST's form, of the given size.
    """
    spans_of_lines = list(spans(marks))
    candidates = [
        joined(line[first:end])
        for line, found in zip(marks, spans_of_lines, strict=True)
        for first, end in found
    ]
    given = read(np.stack([placed(each.ink_HW, size) for each in candidates]))
    both = iter(zip(candidates, given, strict=True))
    lines, answers = [], []
    for found in spans_of_lines:
        known = {span: next(both) for span in found}
        best = best_spans({span: answer.probability for span, (_, answer) in known.items()})
        lines.append([known[span][0] for span in best])
        answers += [known[span][1] for span in best]
    return lines, answers


def _characters(page: Path, config: PredictConfig) -> tuple[Scan, list[list[Character]]]:
    scan = read_scan(page, config.ink)
    try:
        lines = find_characters(scan.ink_HW)
    except BadImageError as error:
        raise DataError(f"{page}: {error}") from None
    if not lines:
        raise DataError(f"{page}: has no characters")
    return scan, lines


def _say_what_was_found(scan: Scan, lines: Sequence[Sequence[Character]]) -> None:
    counts = (
        wording.many(sum(map(len, lines)), "character"),
        wording.many(len(lines), "line"),
    )
    ink = "dark ink on light paper" if scan.is_dark else "light ink on dark paper"
    tilt = f", tilted by {scan.tilt:.1f} degrees" if scan.tilt else ""
    say(f"{counts[0]} in {counts[1]}; {ink}{tilt}")
    cut = sum(each.is_cut for line in lines for each in line)
    if cut:
        look = wording.agreeing(cut, "was cut: look at it", "were cut: look at these")
        say(f"{cut} of them touched another and {look}", style="yellow")


def _text(
    lines: Sequence[Sequence[Character]], answers: Sequence[Answer], class_names: Sequence[str]
) -> str:
    """Labels as lines and words of text; spaced if any class name is longer than a letter."""
    between = "" if all(len(name) == 1 for name in class_names) else " "
    labels = iter(answers)
    text = ""
    for line in lines:
        words: list[list[str]] = [[]]
        for character in line:
            if character.is_after_space:
                words.append([])
            words[-1].append(next(labels).label)
        text += f"{between} ".join(between.join(word) for word in words) + "\n"
    return text


def _table(lines: Sequence[Sequence[Character]], answers: Sequence[Answer]) -> bytes:
    places = [
        (row, place, character)
        for row, line in enumerate(lines, 1)
        for place, character in enumerate(line, 1)
    ]
    boxes = [character.box for *_, character in places]
    table = answers_frame(
        answers,
        line=[row for row, *_ in places],
        place=[place for _, place, _ in places],
        left=[box.left for box in boxes],
        top=[box.top for box in boxes],
        width=[box.width for box in boxes],
        height=[box.height for box in boxes],
        is_after_space=[character.is_after_space for *_, character in places],
        is_cut=[character.is_cut for *_, character in places],
    )
    return csv_file(table)
