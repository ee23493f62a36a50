"""HTML page about a dataset: counts, doubts and some images of each class."""

from mnist_seq.data.dataset import Dataset
from mnist_seq.data.overview import Overview
from mnist_seq.errors import in_one_line
from mnist_seq.report.analysis import wording
from mnist_seq.report.figures.contact_sheet import contact_sheet
from mnist_seq.report.pages.frame import fill

MOST_CLASSES = 200  # that are shown; a page of thousands would take a browser long


def render(data: Dataset, found: Overview, most: int, command: str) -> str:
    """Return the page, with at most so many training images of each class."""
    rows, pixels = data.train.images_NSF.shape[1:]
    names = [in_one_line(name) for name in found.class_names]
    sheet = contact_sheet(data.train, len(names), most)
    classes = list(zip(names, found.counts_PK.T.tolist(), sheet, strict=True))
    lines = (*data.warnings, *found.doubts)
    return str(
        fill(
            "dataset.html",
            title="The images",
            parts=wording.listing(
                [
                    f"{total:,} {to}"
                    for total, to in zip(
                        found.counts_PK.sum(axis=1),
                        ("to train on", "to choose by", "to test with"),
                        strict=True,
                    )
                ]
            ),
            size=f"{rows}{wording.TIMES}{pixels}",
            description=in_one_line(data.description or ""),
            doubts=[in_one_line(line) for line in lines],
            classes=classes[:MOST_CLASSES],
            hidden=len(classes) - MOST_CLASSES,
            command=command,
        )
    )
