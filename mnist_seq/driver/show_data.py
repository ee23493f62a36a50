"""Print what a data setting gives, and write a page with some images of each class."""

from pathlib import Path

from mnist_seq.config.commands import ShowDataConfig
from mnist_seq.data.digests import PARTS
from mnist_seq.data.load import load
from mnist_seq.data.overview import Overview, overview
from mnist_seq.driver.checkpoints import write_atomically
from mnist_seq.driver.report_path import report_path
from mnist_seq.driver.written_page import WrittenPage
from mnist_seq.report.analysis import wording
from mnist_seq.report.pages.dataset import render
from mnist_seq.terminal.display import console, say
from mnist_seq.terminal.summary import print_data, print_files, table_of

MOST_ROWS = 40


def show_data(config: ShowDataConfig, command: str) -> WrittenPage:
    """Print the counts of each class and what may be a mistake; write the page.

    Raises
    ------
    DataError
        If the images cannot be read.
    StoreError
        If the page cannot be written; what it says has been printed.
    """
    name = f"data-{config.data.source}.html"
    page = report_path(Path(config.tracking.folder).absolute(), name, config.file)
    data = load(config.data)
    found = overview(data)
    print_data(data)
    for doubt in found.doubts:
        say(doubt, style="yellow")
    _print_counts(found)
    rows, pixels = data.train.images_NSF.shape[1:]
    say(
        f"{wording.many(rows, 'row')} of {wording.many(pixels, 'pixel')}, "
        f"grey values 0 to 255, on average {255 * found.ink:.0f}; "
        "of the test images only labels and repetitions were looked at"
    )
    write_atomically(page, render(data, found, config.images, command).encode())
    print_files({"page": page})
    return WrittenPage(page, (*data.warnings, *found.doubts))


def _print_counts(found: Overview) -> None:
    counts = [
        {"class": name, **{part: f"{n:,}" for part, n in zip(PARTS, counts_P, strict=True)}}
        for name, counts_P in zip(found.class_names, found.counts_PK.T, strict=True)
    ]
    hidden = len(counts) - MOST_ROWS
    if hidden > 0:
        del counts[MOST_ROWS:]
        counts.append({"class": f"{hidden:,} more", **dict.fromkeys(PARTS, "")})
    totals = found.counts_PK.sum(axis=1)
    counts.append({"class": "all", **{p: f"{n:,}" for p, n in zip(PARTS, totals, strict=True)}})
    console.print(table_of(counts))
