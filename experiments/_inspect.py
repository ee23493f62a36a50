"""A run's network, read back and looked into; what is seen is kept with the run."""

from pathlib import Path

from experiments._chosen import find_run
from experiments._data import data_of, test_images
from experiments._session import tracking_folder
from mnist_seq.checkpoint import write_atomically
from mnist_seq.config import Config, InspectConfig
from mnist_seq.display import console
from mnist_seq.errors import TrackingError
from mnist_seq.inspection import beliefs, gates, open_network
from mnist_seq.report.inside.page import Subject, findings, make
from mnist_seq.report.inside.reading import Reading
from mnist_seq.report.inside.rows import how_rows_answer
from mnist_seq.tracking.results import Results
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.validation import validate


def inspect_run(config: InspectConfig, command: str) -> None:
    """Look inside one network, write the page, keep all of it with the run, say what was found."""
    results = Results(config.tracking)
    study, run = find_run(results, config)
    model_file = results.model_file(run.id)
    settings = validate(Config, results.config(run.id))
    data = data_of(settings)
    if run.tags.get("data_digest", data.digest) != data.digest:
        raise TrackingError(f"{run.name}: its images have changed since it was trained")
    part = data.validation if config.part == "validation" else test_images(settings)

    console.print(f"[bold]{study.name}[/]: inside {run.name}, {len(part)} {config.part} images")
    model = open_network(model_file)
    readout = settings.model.readout
    reading = Reading(
        part.images_NSF,
        part.labels_N,
        beliefs(model, readout, part.images_NSF),
        data.class_names,
    )
    shown = reading.examples(config.images)
    subject = Subject(
        f"{study.name}, {run.name}",
        config.part,
        how_rows_answer(readout, bidirectional=settings.model.bidirectional),
        command,
        {f"model.{name}": value for name, value in settings.model.model_dump().items()},
    )
    inside = gates(model, part.images_NSF[shown])
    files = make(subject, reading, [int(place) for place in shown], inside)

    name = f"{study.name}-{run.name}-{config.part}-inside.html".replace(" ", "-")
    page = Path(config.file) if config.file else tracking_folder(config.tracking) / "reports" / name
    content = files["inside.html"]
    write_atomically(page, content.encode() if isinstance(content, str) else content)
    with Tracker(config.tracking, warn=console.print) as tracker:
        for file, content in files.items():
            tracker.attach(run.id, f"inspect/{config.part}/{file}", content)
    for line in findings(reading):
        console.print(f"- {line}", soft_wrap=True, markup=False)
    kept = results.files(run.id) / "inspect" / config.part
    console.print(f"\npage: {page.resolve()}", soft_wrap=True, markup=False)
    console.print(f"files, also in the MLflow run: {kept}\n", soft_wrap=True, markup=False)
