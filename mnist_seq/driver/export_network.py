"""Write an earlier run's network in a format that needs no Keras, once it agrees with Keras."""

import math
from pathlib import Path

import numpy as np

from mnist_seq.config.commands import ExportConfig
from mnist_seq.config.settings import NetworkFormat
from mnist_seq.driver.checkpoints import check_writable, write_atomically
from mnist_seq.driver.inspected_run import with_images
from mnist_seq.driver.workspace import Workspace, file_name
from mnist_seq.errors import TrackingError
from mnist_seq.metrics.classification import Probabilities
from mnist_seq.network.exported import check_installed, ending, export
from mnist_seq.report.analysis import wording
from mnist_seq.terminal.display import say
from mnist_seq.terminal.summary import print_files
from mnist_seq.tracking.results import Experiment, StoredRun

TOLERANCE = 1e-4  # of a probability
MOST_ASKED = 10_000  # images: LiteRT reads one at a time
OTHERWISE = 2 / 10_000  # share of images that may have another label: two classes as probable


def export_network(config: ExportConfig, wanted: NetworkFormat) -> dict[str, Path]:
    """Write a network and its labels, and return the files by what they are.

    Raises
    ------
    ConfigError
        If the format's libraries are not installed.
    TrackingError
        If there is no such run, its network cannot be written so, or does not answer as Keras does.
    DataError
        If its images have changed, or their files are not there.
    StoreError
        If a file cannot be written.
    """
    check_installed(wanted)
    workspace = Workspace(config.tracking)
    experiment, run = workspace.find_network(config)
    files = _files(config, workspace, experiment, run, wanted)
    network, labels = files.values()
    check_writable(network)
    inspected = with_images(workspace.results, experiment, run, config.data, "validation")
    images_NSF = inspected.images.images_NSF
    few_NSF = images_NSF[:: math.ceil(len(images_NSF) / MOST_ASKED)]
    pixels_NSF = inspected.data.pixel_format.pixels(few_NSF)
    model = inspected.load_model()
    content, answers_NK = export(model, wanted, pixels_NSF)
    told = check_agreement(answers_NK, model.predict(pixels_NSF, verbose=0), wanted)
    write_atomically(network, content)
    write_atomically(labels, "".join(f"{each}\n" for each in inspected.class_names).encode())
    say(f"{experiment.name}, {run.name}: {told}")
    print_files(files)
    return files


def _files(
    config: ExportConfig,
    workspace: Workspace,
    experiment: Experiment,
    run: StoredRun,
    wanted: NetworkFormat,
) -> dict[str, Path]:
    """Paths of the network and its labels, by what they are."""
    default = workspace.folder / "reports" / experiment.study
    folder = Path(config.folder) if config.folder else default
    # Of a study's runs, only trials have a name each.
    name = run.name if run.role == "trial" else f"{run.name}-{run.id[:8]}"
    stem = config.champion or file_name(name, run.id)
    return {
        f"network, {wanted}": folder / f"{stem}{ending(wanted)}",
        "labels": folder / f"{stem}.labels.txt",
    }


def check_agreement(
    answers_NK: Probabilities, keras_NK: Probabilities, wanted: NetworkFormat
) -> str:
    """Return how far a written network agrees with Keras on images, as a sentence.

    Raises
    ------
    TrackingError
        If it does not.
    """
    images = len(keras_NK)
    others = int((answers_NK.argmax(axis=1) != keras_NK.argmax(axis=1)).sum())
    furthest = float(np.abs(answers_NK - keras_NK).max())
    found = (
        f"{others:,} of {wording.many(images, 'validation image')}, "
        f"probabilities differ by {furthest:.1e}"
    )
    # Not `furthest > TOLERANCE`, which NaN is not.
    if not furthest <= TOLERANCE or others > math.ceil(OTHERWISE * images):
        raise TrackingError(
            f"format={wanted}: does not answer as Keras does, so no file is written: another label "
            f"for {found}"
        )
    return f"answers as Keras does: another label for {found} at most"
