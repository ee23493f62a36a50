"""Compare the trained networks of two earlier runs and attach the results to the first."""

import math
from typing import Any

from mnist_seq.config.commands import InspectConfig
from mnist_seq.config.settings import flatten
from mnist_seq.data.digests import from_tags
from mnist_seq.driver.inspected_run import (
    InspectedRun,
    check_is_read_by_rows,
    keep_files,
    with_images,
)
from mnist_seq.driver.workspace import Workspace, file_name
from mnist_seq.driver.written_page import WrittenPage
from mnist_seq.errors import DataError, TrackingError
from mnist_seq.network.inspection import gates
from mnist_seq.report.analysis import wording
from mnist_seq.report.inside.compared_page import Inside, render_comparison
from mnist_seq.report.inside.gate_means import mean_gates
from mnist_seq.report.inside.pair import Pair
from mnist_seq.report.inside.pair_findings import pair_findings
from mnist_seq.report.inside.reading import topmost
from mnist_seq.report.inside.subject import Subject
from mnist_seq.terminal.display import console, plain, say
from mnist_seq.terminal.summary import print_data
from mnist_seq.tracking.results import Experiment, StoredRun

MOST_AVERAGED = 1000  # images: their mean gates are known to a hundredth, and it takes seconds
BATCH = 100  # images whose gates are in memory at once
MOST_BYTES = 90  # of each run's part of the page's name: file systems take 255 of the whole


def compare_runs(config: InspectConfig, against: str, command: str) -> WrittenPage:
    """Compare two runs' networks and print what was seen; write a page, also to the first run.

    Parameters
    ----------
    against : str
        Which run is the second: ``baseline``, a trial number, or a run id.

    Raises
    ------
    TrackingError
        If there is no such run, it has no network, or both are the same.
    DataError
        If the two have other validation images, or these have changed or are not there.
    StoreError
        If the page cannot be written; what was seen has been printed.
    """
    workspace = Workspace(config.tracking)
    first = workspace.find_run(config)
    second = workspace.find_other_run(first[0], against)
    _refuse_no_pair(first, second, against)
    other_name = _file_name(*second)
    page = workspace.report_file(f"{_file_name(*first)}-against-{other_name}.html", config.file)
    a, b = (
        with_images(workspace.results, *each, config.data, config.part) for each in (first, second)
    )
    for inspected in (a, b):
        check_is_read_by_rows(inspected.run.name, inspected.config.model)
    _refuse_other_data(a, b, against)

    for network, inspected in (("A", a), ("B", b)):
        console.print(
            f"[bold]{network}[/]: {plain(inspected.experiment.name)}, {plain(inspected.run.name)}",
            soft_wrap=True,
        )
    console.print(wording.many(len(a.images), "validation image"))
    print_data(a.data)
    models = a.load_model(), b.load_model()
    pair = Pair(a.reading(models[0]), b.reading(models[1]))
    subjects = _subject(a, command), _subject(b, command)
    shown = [int(place) for place in pair.examples(config.images)]
    insides = _inside(a, models[0], shown[0]), _inside(b, models[1], shown[0])
    facts = {"run of A": a.run.id, "run of B": b.run.id}
    files = render_comparison(subjects, pair, shown, insides, facts)

    lines = pair_findings(*subjects, pair)
    for line in lines:
        say(f"- {line}")
    keep_files(workspace, a.run, f"against-{other_name}", files, page)
    return WrittenPage(page, tuple(lines))


def _refuse_no_pair(
    first: tuple[Experiment, StoredRun], second: tuple[Experiment, StoredRun], against: str
) -> None:
    """Refuse the same run twice, and runs whose tags name other images, before reading any."""
    if first[1].id == second[1].id:
        raise TrackingError(
            f"against={against}: is the run itself, {_name(*first)}; name another run"
        )
    digests = [from_tags(run.tags).get("validation") for _, run in (first, second)]
    if None not in digests and digests[0] != digests[1]:
        raise _no_pair(against, _name(*second), _name(*first), "validation images")


def _refuse_other_data(a: InspectedRun, b: InspectedRun, against: str) -> None:
    """Refuse other validation images or classes, found in the data where the tags lack them."""
    for what, same in (
        ("validation images", a.data.digests["validation"] == b.data.digests["validation"]),
        ("classes", a.class_names == b.class_names),
    ):
        if not same:
            other, first = (_name(each.experiment, each.run) for each in (b, a))
            raise _no_pair(against, other, first, what)


def _no_pair(against: str, other: str, first: str, what: str) -> DataError:
    return DataError(
        f"against={against}: {other} has other {what} than {first}; networks are compared on the "
        f"same {what} alone"
    )


def _name(experiment: Experiment, run: StoredRun) -> str:
    return f"{experiment.name}, {run.name}"


def _file_name(experiment: Experiment, run: StoredRun) -> str:
    """Part of a file's name; runs of one name are told apart by the first letters of their id."""
    name = file_name(f"{experiment.study}-{run.name}", run.id, most=MOST_BYTES)
    return name if name.endswith(run.id[:8]) else f"{name}-{run.id[:8]}"


def _subject(inspected: InspectedRun, command: str) -> Subject:
    return inspected.subject(command, flatten(inspected.config.model_dump()))


def _inside(inspected: InspectedRun, model: Any, place: int) -> Inside:
    """The topmost gates for one image, and their means over images evenly spread over all."""
    images_NSF = inspected.images.images_NSF
    few_NSF = images_NSF[:: math.ceil(len(images_NSF) / MOST_AVERAGED)]
    batches = (few_NSF[first : first + BATCH] for first in range(0, len(few_NSF), BATCH))
    return Inside(
        topmost(gates(model, images_NSF[[place]])),
        mean_gates(topmost(gates(model, batch_NSF)) for batch_NSF in batches),
    )
