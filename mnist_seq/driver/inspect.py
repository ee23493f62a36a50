"""Analyze the trained network of an earlier run and attach the results to the run."""

from mnist_seq.config import InspectConfig
from mnist_seq.data.digests import PARTS, TRAINED_ON
from mnist_seq.data.load import test_split, training_data
from mnist_seq.driver.checkpoints import write_atomically
from mnist_seq.driver.run_data import config_with_data
from mnist_seq.driver.workspace import Workspace, file_name
from mnist_seq.errors import in_one_line
from mnist_seq.network.inspection import gates, load_model, probabilities_after_each_row
from mnist_seq.network.network_file import check_network_file
from mnist_seq.report.inside.accuracy import how_rows_answer
from mnist_seq.report.inside.page import findings, make
from mnist_seq.report.inside.reading import Reading
from mnist_seq.report.inside.subject import Subject
from mnist_seq.terminal.display import console, plain, say
from mnist_seq.terminal.summary import print_data, print_files
from mnist_seq.tracking.tracker import Tracker


def inspect_run(config: InspectConfig, command: str) -> None:
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
    model_file = workspace.results.model_file(run.id)
    parts = PARTS if config.part == "test" else TRAINED_ON
    settings = config_with_data(workspace.results, run, config.data, parts)
    data = training_data(settings.data)
    images = data.validation if config.part == "validation" else test_split(settings.data)

    console.print(
        f"[bold]{plain(experiment.name)}[/]: inside {plain(run.name)}, {len(images)} "
        f"{config.part} images"
    )
    print_data(data)
    rows, pixels = images.images_NSF.shape[1:]
    check_network_file(model_file, settings.model, (rows, pixels), len(data.class_names))
    model = load_model(model_file)
    readout = settings.model.readout
    reading = Reading(
        images.images_NSF,
        images.labels_N,
        probabilities_after_each_row(model, readout, images.images_NSF),
        tuple(map(in_one_line, data.class_names)),
    )
    shown = reading.examples(config.images)
    subject = Subject(
        in_one_line(f"{experiment.name}, {run.name}"),
        config.part,
        how_rows_answer(readout, bidirectional=settings.model.bidirectional),
        command,
        {f"model.{name}": value for name, value in settings.model.model_dump().items()},
    )
    inside = gates(model, images.images_NSF[shown])
    files = make(subject, reading, [int(index) for index in shown], inside)

    for line in findings(reading):
        say(f"- {line}")
    content = files["inside.html"]
    write_atomically(page, content.encode() if isinstance(content, str) else content)
    with Tracker(workspace.store, warn=say) as tracker:
        for file, content in files.items():
            tracker.attach(run.id, f"inspect/{config.part}/{file}", content)
    kept = workspace.results.files(run.id) / "inspect" / config.part
    print_files({"page": page.resolve(), "files, also in the MLflow run": kept})
