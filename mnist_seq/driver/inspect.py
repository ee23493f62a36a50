"""Analyze the trained network of an earlier run and attach the results to the run."""

from mnist_seq.config.commands import InspectConfig
from mnist_seq.driver.inspected_run import check_is_read_by_rows, keep_files, with_images
from mnist_seq.driver.workspace import Workspace, file_name
from mnist_seq.driver.written_page import WrittenPage
from mnist_seq.network.inspection import gates
from mnist_seq.report.analysis import wording
from mnist_seq.report.inside.page import findings, render_inspection
from mnist_seq.terminal.display import console, plain, say
from mnist_seq.terminal.summary import print_data


def inspect_run(config: InspectConfig, command: str) -> WrittenPage:
    """Analyze a run's network and print what was seen; write a page about it, also to the run.

    Raises
    ------
    TrackingError
        If there is no such run, or it has no network.
    DataError
        If its images have changed, or their files are not there.
    StoreError
        If the page cannot be written; what was seen has been printed.
    """
    workspace = Workspace(config.tracking)
    experiment, run = workspace.find_run(config)
    subject_name = file_name(f"{experiment.study}-{run.name}", run.id)
    page = workspace.report_file(f"{subject_name}-{config.part}-inside.html", config.file)
    inspected = with_images(workspace.results, experiment, run, config.data, config.part)
    check_is_read_by_rows(run.name, inspected.config.model)

    console.print(
        f"[bold]{plain(experiment.name)}[/]: inside {plain(run.name)}, "
        f"{wording.many(len(inspected.images), f'{config.part} image')}"
    )
    print_data(inspected.data)
    model = inspected.load_model()
    reading = inspected.reading(model)
    shown = reading.examples(config.images)
    own = inspected.config.model.model_dump()
    subject = inspected.subject(command, {f"model.{name}": value for name, value in own.items()})
    inside = gates(model, inspected.images.images_NSF[shown])
    files = render_inspection(subject, reading, [int(index) for index in shown], inside)

    lines = findings(reading)
    for line in lines:
        say(f"- {line}")
    keep_files(workspace, run, config.part, files, page)
    return WrittenPage(page, tuple(lines))
