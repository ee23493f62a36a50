"""Write a study's trials and learning curves as CSV and Parquet files."""

from pathlib import Path

from mnist_seq.config.commands import ExportConfig
from mnist_seq.driver.checkpoints import write_atomically
from mnist_seq.driver.live_page import read_study
from mnist_seq.driver.workspace import Workspace
from mnist_seq.report.analysis import wording
from mnist_seq.report.export.files import csv_file, parquet_file
from mnist_seq.report.export.frames import curves_frame, trials_frame
from mnist_seq.terminal.display import say
from mnist_seq.terminal.summary import print_files

WRITERS = {"csv": csv_file, "parquet": parquet_file}


def export(config: ExportConfig) -> dict[str, Path]:
    """Write the tables of a study and return the files by what they are; a sweep may be running it.

    Raises
    ------
    TrackingError
        If there is no such study.
    StoreError
        If a file cannot be written.
    """
    workspace = Workspace(config.tracking)
    study = workspace.experiment(config.study).study
    tables = read_study(workspace, study).progress.tables
    folder = Path(config.folder) if config.folder else workspace.folder / "reports" / study
    frames = {"trials": trials_frame(tables), "curves": curves_frame(tables)}
    counts = (
        wording.many(len(frames["trials"]), "trial"),
        wording.many(len(frames["curves"]), "epoch"),
    )
    say(f"{study}: {counts[0]}, {counts[1]}")
    files = {}
    for ending in WRITERS if config.format == "both" else [config.format]:
        for name, frame in frames.items():
            path = folder / f"{name}.{ending}"
            write_atomically(path, WRITERS[ending](frame))
            files[f"{name}, {ending}"] = path
    print_files(files)
    return files
