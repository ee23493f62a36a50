"""An earlier run with its network, the images that it is shown, and what is kept about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_seq.config.commands import DataFiles
from mnist_seq.config.settings import Config, ModelConfig, Scalar
from mnist_seq.data.dataset import Dataset, Split
from mnist_seq.data.digests import PARTS, TRAINED_ON
from mnist_seq.data.load import test_split, training_data
from mnist_seq.driver.checkpoints import write_atomically
from mnist_seq.driver.run_data import config_with_data
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import TrackingError, in_one_line
from mnist_seq.network.inspection import load_network, probabilities_after_each_row
from mnist_seq.report.inside.accuracy import how_rows_answer
from mnist_seq.report.inside.reading import Reading
from mnist_seq.report.inside.subject import Subject
from mnist_seq.terminal.display import say
from mnist_seq.terminal.summary import print_files
from mnist_seq.tracking.results import Experiment, Results, StoredRun
from mnist_seq.tracking.tracker import Tracker


@dataclass(frozen=True)
class InspectedRun:
    """A run, its network's file and the images to show to the network.

    Attributes
    ----------
    config : Config
        Of its training.
    data : Dataset
        What it was trained on.
    part : str
        Which images are shown: validation or test.
    images : Split
        These.
    """

    experiment: Experiment
    run: StoredRun
    model_file: Path
    config: Config
    data: Dataset
    part: str
    images: Split

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(map(in_one_line, self.data.class_names))

    def load_model(self) -> Any:
        """The network, after checking that the file is one of the run's config.

        Raises
        ------
        TrackingError
            If it is not, or cannot be read.
        """
        rows, pixels = self.images.images_NSF.shape[1:]
        classes = len(self.data.class_names)
        return load_network(self.model_file, self.config.model, (rows, pixels), classes)

    def reading(self, model: Any) -> Reading:
        """What the network believes of each image after each row."""
        return Reading(
            self.images.images_NSF,
            self.images.labels_N,
            probabilities_after_each_row(model, self.config.model.readout, self.images.images_NSF),
            self.class_names,
        )

    def subject(self, command: str, settings: Mapping[str, Scalar]) -> Subject:
        """What a page says the network is; `command` makes the page again."""
        model = self.config.model
        return Subject(
            in_one_line(f"{self.experiment.name}, {self.run.name}"),
            self.part,
            how_rows_answer(model.readout, bidirectional=model.bidirectional),
            command,
            settings,
        )


def with_images(
    results: Results, experiment: Experiment, run: StoredRun, moved: DataFiles, part: str
) -> InspectedRun:
    """A run with the images of a part, after checking that they are those it was made with.

    Raises
    ------
    TrackingError
        If it has no network.
    DataError
        If its images have changed, or their files are not there.
    """
    model_file = results.model_file(run.id)
    config = config_with_data(results, run, moved, PARTS if part == "test" else TRAINED_ON)
    data = training_data(config.data)
    images = data.validation if part == "validation" else test_split(config.data)
    return InspectedRun(experiment, run, model_file, config, data, part, images)


def check_is_read_by_rows(run: str, model: ModelConfig) -> None:
    """Refuse a network that is not shown row by row.

    Raises
    ------
    TrackingError
        If its steps are no rows, or its cells no LSTMs.
    """
    for setting, shown in (("cell", "lstm"), ("order", "rows")):
        if (found := getattr(model, setting)) != shown:
            raise TrackingError(
                f"run {run}: has model.{setting}={found}; only networks with "
                f"model.{setting}={shown} can be looked into"
            )


def keep_files(
    workspace: Workspace,
    run: StoredRun,
    folder: str,
    files: Mapping[str, str | bytes],
    page: Path,
) -> None:
    """Write a page to its file, and attach it and what belongs to it to the run.

    Parameters
    ----------
    folder : str
        Of the run's files: inside of ``inspect``.
    files : mapping
        By name; one of them is the page, and ends in ``.html``.

    Raises
    ------
    StoreError
        If the page cannot be written.
    """
    (content,) = (content for name, content in files.items() if name.endswith(".html"))
    write_atomically(page, content.encode() if isinstance(content, str) else content)
    with Tracker(workspace.store, warn=say) as tracker:
        for name, content in files.items():
            tracker.attach(run.id, f"inspect/{folder}/{name}", content)
    kept = workspace.results.file(run.id, f"inspect/{folder}")
    print_files({"page": page.resolve(), "files, also in the MLflow run": kept})
