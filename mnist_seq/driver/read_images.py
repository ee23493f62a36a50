"""Read image files of one character each with the network of an earlier run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_seq.config.commands import PredictConfig
from mnist_seq.data.images.folder import list_files
from mnist_seq.data.images.reading import form_files, skipped
from mnist_seq.driver.character_reader import CharacterReader, find_reader, say_unsure
from mnist_seq.driver.checkpoints import check_writable, write_atomically
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import DataError
from mnist_seq.report.characters.answers import Answer, answers_frame
from mnist_seq.report.export.files import csv_file
from mnist_seq.terminal.display import console, say
from mnist_seq.terminal.summary import print_files, table_of

MOST_ROWS = 40
FILE = "predictions.csv"


@dataclass(frozen=True)
class ReadImages:
    """What a network has said of image files.

    Attributes
    ----------
    images : sequence of Path
        Those that could be read.
    answers : sequence of Answer
        One each.
    bad : mapping of Path to str
        What is wrong with those that were skipped.
    file : Path
        The same as a table.
    """

    reader: CharacterReader
    images: Sequence[Path]
    answers: Sequence[Answer]
    bad: dict[Path, str]
    file: Path


def read_images(config: PredictConfig, names: Sequence[str]) -> ReadImages:
    """Read image files, print what they are and write it as a table.

    Raises
    ------
    DataError
        If a file is not there or no usable image.
    TrackingError
        If there is no such run, or its network cannot read such images.
    StoreError
        If the table cannot be written; what was read has been printed.
    """
    workspace = Workspace(config.tracking)
    paths_M = list_files(names)
    reader = find_reader(workspace, config)
    file = (Path(config.folder) if config.folder else workspace.folder / "reports") / FILE
    check_writable(file)
    formed_M = form_files(paths_M, reader.size, config.ink)
    files = list(zip(paths_M, formed_M, strict=True))
    bad = {path: each.problem for path, each in files if each.problem}
    told = skipped(bad, config.on_bad_image, "on_bad_image", Path(names[0]))
    read = [(path, each.image_SF) for path, each in files if each.image_SF is not None]
    if not read:
        raise DataError(f"image: none can be used: {told}")
    reader.say_what_it_is()
    if told:
        say(told, style="yellow")
    images = [path for path, _ in read]
    answers = reader.read(np.stack([image_SF for _, image_SF in read]), config.confidence)
    _print_answers(images, answers, config.confidence)
    table = answers_frame(answers, image=[*map(str, images)])
    write_atomically(file, csv_file(table))
    print_files({"table": file.resolve()})
    return ReadImages(reader, images, answers, bad, file)


def _print_answers(images: Sequence[Path], answers: Sequence[Answer], confidence: float) -> None:
    """Print a row for each image; of many, the first."""
    rows = [
        {
            "image": str(path),
            "label": answer.label,
            "probability": f"{100 * answer.probability:.1f} %" if answer.is_sure else "",
            "next": ", ".join(
                f"{each.label} {100 * each.probability:.1f} %"
                for each in answer.candidates[answer.is_sure :]
            ),
        }
        for path, answer in zip(images[:MOST_ROWS], answers[:MOST_ROWS], strict=True)
    ]
    console.print(table_of(rows))
    if len(images) > MOST_ROWS:
        say(f"{len(images) - MOST_ROWS:,} more in the table")
    say_unsure(answers, confidence)
